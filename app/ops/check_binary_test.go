package ops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app/launch"
)

func TestBinaryCheck(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		boot  string
		state launch.State
		words string
	}{
		"nothing yet":      {"", launch.NotApplicable, "None has served"},
		"well":             {`{"served":{"size":1,"modified":2}}`, launch.Done, "It is."},
		"refused":          {`{"served":{"size":1,"modified":2},"refused":{"size":3,"modified":1795953600000000000},"why":"migration 34 (x):\nno such column"}`, launch.Todo, "A new binary of 29 Nov 2026, 12:00 UTC could not start, and the old one goes on: migration 34 (x): no such column."},
		"starts now":       {`{"served":{"size":1,"modified":2},"attempt":{"binary":{"size":3,"modified":4},"at":"2026-11-29T11:59:00Z"}}`, launch.Done, ""},
		"starts for hours": {`{"served":{"size":1,"modified":2},"attempt":{"binary":{"size":3,"modified":4},"at":"2026-11-29T09:00:00Z"}}`, launch.Warn, "09:00 UTC and has not served yet"},
		"torn":             {`{"served":{"si`, launch.NotApplicable, ""},
	} {
		data := t.TempDir()
		if c.boot != "" {
			if err := os.WriteFile(filepath.Join(data, "boot.json"), []byte(c.boot), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := binaryCheck(data, now); got.State != c.state || !strings.Contains(got.Detail, c.words) {
			t.Errorf("%s: %s, %q", name, got.State, got.Detail)
		}
	}
}
