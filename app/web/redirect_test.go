package web

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"/", "/a", "/a/", "/-/account?tab=security&x=%2F%2Fevil.example#top", "/a?next=https://x.example/", "/ä/%C3%A4",
		"/@evil.example", "/a:b", "/a//b", "/...", "/.well-known/x", "/a.b", "/a?x=../y", "/a?b=c;d", "/%252f%252fevil.example"} {
		if got := LocalPath(p, "no"); got != p {
			t.Errorf("%q is not taken: %q", p, got)
		}
	}
	for _, p := range []string{"", "a", "evil.example", ".", "..", "?x", "#x", " /a",
		"//evil.example", "///evil.example", "////evil.example/..", "//evil.example@good.example", "//", "//\\evil.example",
		`\\evil.example`, `/\evil.example`, `/\\evil.example`, `\/evil.example`, `/a\b`, "/%5cevil.example", "/%5C%5Cevil.example",
		"https:evil.example", "https:/evil.example", "https://evil.example", "HTTPS://evil.example", "http:///evil.example", "ftp://x", "mailto:a@b",
		"javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", "data:text/html,x", "good.example@evil.example", "https://good.example@evil.example",
		"/\t/evil.example", "\t//evil.example", "/\n/evil.example", "/\r\n/evil.example", "/a\r\nSet-Cookie: x=y", "/\x00/evil.example", "/\x01", "/\x7f",
		"/%0d%0aSet-Cookie:x", "/%09/evil.example", "/%00", "/%2f%2fevil.example", "/%2Fevil.example", "/%2f/evil.example", "/%c2%85/evil.example",
		"/.//evil.example", "/..//evil.example", "/a/..//evil.example", "/%2e%2e//evil.example", "/./%2fevil.example", "/a/../../b", "/a/..", "/%", "/%zz"} {
		if got := LocalPath(p, "/instead"); got != "/instead" {
			t.Errorf("%q leads away, or may", p)
		}
	}
}

func TestSeeOther(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/a?b=c": "/a?b=c", "//evil.example": "/", "https://evil.example": "/", "": "/", "/ä": "/%c3%a4"} {
		w := httptest.NewRecorder()
		if err := SeeOther(w, httptest.NewRequest("POST", "/-/login", nil), path); err != nil {
			t.Fatal(err)
		}
		if w.Code != 303 || w.Header().Get("Location") != want || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %d to %q", path, w.Code, w.Header().Get("Location"))
		}
	}
}

// FuzzLocalPath resolves what is taken as a browser would, and once more after
// decoding it: it must stay on the site.
func FuzzLocalPath(f *testing.F) {
	for _, p := range []string{"/", "//evil.example", `/\evil.example`, "/%2f%2fevil.example", "/.//evil.example", "https:evil.example", "/a?b#c", "/\t/x"} {
		f.Add(p)
	}
	base, err := url.Parse("https://good.example/-/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, p string) {
		got := LocalPath(p, "")
		if got == "" {
			return
		}
		if got != p {
			t.Fatalf("%q became %q", p, got)
		}
		browser := strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "").Replace(strings.TrimFunc(p, func(r rune) bool { return r <= ' ' }))
		u, err := base.Parse(browser)
		if err != nil || u.Host != "good.example" || u.Scheme != "https" {
			t.Errorf("%q leads to %v, %v", p, u, err)
			return
		}
		if again, err := base.Parse(u.Path); err == nil && u.Path != "" && again.Host != "good.example" {
			t.Errorf("%q, decoded, leads to %v", p, again)
		}
	})
}
