package install

import (
	"strings"
	"testing"
	"unicode"
)

// A variable that stands twice is set in the line that counts.
func TestSettingThatStandsTwice(t *testing.T) {
	t.Parallel()
	got := withSetting("A=1\nB=2\n# A=0\nA=3\nC=4", Setting{"A", "5"})
	if want := "A=1\nB=2\n# A=0\nA=\"5\"\nC=4"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whatever stands in the file, a setting that is written is read as it was given, and no other
// line changes.
func FuzzSetting(f *testing.F) {
	f.Add("A=1\nB=2", `x "y" $z \ `)
	f.Add("", "'")
	f.Add("SEAWORTHY_URL=\n\n", "`a`")
	f.Fuzz(func(t *testing.T, text, value string) {
		if strings.ContainsFunc(value, unicode.IsControl) {
			return // check refuses it
		}
		const name = "SEAWORTHY_URL"
		out := withSetting(text, Setting{name, value})
		read := ""
		for line := range strings.Lines(out) {
			if n, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && n == name {
				read = unquoted(v)
			} else if !strings.Contains(text, strings.TrimSuffix(line, "\n")) {
				t.Errorf("%q became another line", line)
			}
		}
		if read != value {
			t.Errorf("%q was written and is read as %q", value, read)
		}
	})
}
