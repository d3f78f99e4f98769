package proxy

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/", "/", true}, {"/", "/x", false}, {"/**", "/", true}, {"/**", "/x/y", true}, {"/a", "/a", true}, {"/a", "/a/", true}, {"/a", "/A", true}, {"/a", "/ab", false}, {"/a", "/a/b", false},
		{"/a/**", "/a", true}, {"/a/**", "/a/b/c", true}, {"/a/**", "/ab", false}, {"/a/*", "/a", false}, {"/a/*", "/a/b", true}, {"/a/*", "/a/b/c", false}, {"/*/b", "/x/b", true}, {"/*/b", "/b", false},
		{"/a/b", "/a;v=1/b", true}, {"/Admin/**", "/admin/x", true},
	} {
		if got := parsePattern(c.pattern).matches(c.path); got != c.want {
			t.Errorf("%s and %s: %t", c.pattern, c.path, got)
		}
	}
}

// Whatever is let through means the same to a router that cleans paths, also without the
// parameters of its parts, and to one that decodes once more.
func FuzzPlainPath(f *testing.F) {
	for _, s := range []string{"/a/../b", "/%2e%2e/x", "//x", "/a;b/c", "/;b/c", "/a%2fb", "/%61", "/%2561", "*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.ParseRequestURI(raw)
		if err != nil {
			return
		}
		got, err := plainPath(u)
		if err != nil {
			return
		}
		parts := strings.Split(got, "/")
		for i := range parts {
			parts[i], _, _ = strings.Cut(parts[i], ";")
		}
		for _, read := range []string{got, strings.Join(parts, "/")} {
			if clean := path.Clean(read); clean != strings.TrimSuffix(read, "/") && read != "/" {
				t.Errorf("%q is let through and cleaned to %q", read, clean)
			}
		}
		if again, err := url.PathUnescape(got); err == nil && again != got {
			t.Errorf("%q is let through and decoded to %q", got, again)
		}
		parsePattern("/admin/**").matches(got)
	})
}
