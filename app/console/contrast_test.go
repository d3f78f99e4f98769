package console

import (
	"io/fs"
	"math"
	"testing"

	"seaworthy/assets"
)

// White on black is 21 to 1, and two colours whose ratio is known come out as that.
func TestContrast(t *testing.T) {
	t.Parallel()
	white, black := tone{1, 0, 0}, tone{0, 0, 0}
	if got := contrast(white, black); math.Abs(got-21) > 0.01 {
		t.Errorf("white on black is %f", got)
	}
	if got := contrast(white, white); got != 1 {
		t.Errorf("white on white is %f", got)
	}
	if got := contrast(tone{0.6279554, 0.2576833, 29.2338804}, white); math.Abs(got-3.998) > 0.02 { // #ff0000
		t.Errorf("red on white is %f, want 3.998", got)
	}
}

// Text can be read in both themes.
func TestTextHasContrast(t *testing.T) {
	t.Parallel()
	css, err := fs.ReadFile(assets.FS, "css/app.css")
	if err != nil {
		t.Fatal(err)
	}
	all, err := ratiosOf(tokensOf(string(css)))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if !r.Enough {
			t.Errorf("%s (%s on %s) has %s in light and %s in dark, want %.1f", r.Where, r.Text, r.Ground, r.Light, r.Dark, leastContrast)
		}
	}
	if _, err := ratiosOf(nil); err == nil {
		t.Error("a stylesheet without colours has ratios")
	}
}
