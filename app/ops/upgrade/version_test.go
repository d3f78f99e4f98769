package upgrade

import "testing"

// The order of clause 11 of semver.org, each before the next.
func TestOrderOfReleases(t *testing.T) {
	t.Parallel()
	order := []string{"0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "v1.0.1+build.7", "1.2.0", "1.10.0", "2.0.0"}
	for i, a := range order {
		for j, b := range order {
			got, known := compare(a, b)
			if want := min(1, max(-1, i-j)); !known || got != want {
				t.Errorf("%s to %s: %d, %v, want %d", a, b, got, known, want)
			}
		}
	}
	for _, bad := range []string{"", "dev", "dev-0123456789ab", "1.2", "1.2.3.4", "1.2.x", "1.2.3-", "-1.2.3", "99999999999.0.0"} {
		if isRelease(bad) {
			t.Errorf("%q counts as a release", bad)
		}
	}
}

func FuzzRelease(f *testing.F) {
	f.Add("1.2.3", "1.2.3-rc.1")
	f.Add("v0.0.1+x", "dev")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, known := compare(a, b)
		y, _ := compare(b, a)
		if known && x != -y {
			t.Errorf("%q to %q is %d, and back %d", a, b, x, y)
		}
	})
}

func FuzzBuildInfo(f *testing.F) {
	f.Add(append(append([]byte("\xff Go buildinf:\x08\x02"), make([]byte, 16)...), "\x06go1.26\x40\x30w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6path\tseaworthy\n"...))
	f.Fuzz(func(t *testing.T, data []byte) { pathIn(data) })
}
