package compose

import (
	"testing"

	"seaworthy/app/email/compat"
)

// TestEveryMailPassesTheBar scores each mail of the house, and the block that every
// customer's template is made of, against what mail programs can do.
func TestEveryMailPassesTheBar(t *testing.T) {
	t.Parallel()
	checker, err := compat.New()
	if err != nil {
		t.Fatal(err)
	}
	dressed := acme
	dressed.Logo, dressed.LogoW, dressed.LogoH, dressed.Support, dressed.Address = "https://app.example.com/-/brand/logo/x.png", 120, 40, "help@acme.example", "Acme Ltd\n1 Quay"
	dressed.Unsubscribe = "https://app.example.com/-/unsubscribe/x"
	worst := compat.Score{Supported: 100}
	for _, s := range append(samples(t), sampled{Template: mustParse(t, everyBlock), vars: every("value", "https://x.example/")}) {
		for _, brand := range []Brand{acme, dressed} {
			m, err := s.RenderVars(brand, s.vars)
			if err != nil {
				t.Fatal(err)
			}
			score := checker.Check(m.HTML)
			if !score.Passes() {
				t.Errorf("%s%s: %.1f supported, %.1f unsupported: %+v", s.Name, s.kind, score.Supported, score.Unsupported, score.Features[:min(3, len(score.Features))])
			}
			if score.Supported < worst.Supported {
				worst = score
			}
		}
	}
	t.Logf("the worst: %.1f supported, %.1f unsupported", worst.Supported, worst.Unsupported)
}
