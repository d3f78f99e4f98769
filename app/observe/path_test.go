package observe

import (
	"strings"
	"testing"
)

func TestPathsAreFolded(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"": "/", "/": "/", "/invoices": "/invoices", "/invoices/": "/invoices", "/invoices/17": "/invoices/:id", "/v1/users/u_9f/posts": "/v1/users/:id/posts",
		"/v100/x": "/:id/x", "/reset/abcdefghijklmnopqrstuvwxyz": "/reset/:id", "/ada@example.com": "/:id", "/a b": "/:id", "/é": "/:id",
		"/app.css": "/app.css", "/a/b/c/d/e/f/g/h/i/j": "/a/b/c/d/e/f/g/h/*", "//x": "//x", "*": "/",
	} {
		if got := FoldPath(path); got != want {
			t.Errorf("%q is folded to %q, not %q", path, got, want)
		}
	}
	if foldMethod("GET") != "GET" || foldMethod("BREW") != "OTHER" {
		t.Error("methods are not folded")
	}
}

func FuzzFoldPath(f *testing.F) {
	f.Add("/invoices/17")
	f.Add("//../x")
	f.Fuzz(func(t *testing.T, path string) {
		got := FoldPath(path)
		if len(got) > (mostParts+1)*(mostPart+1) || !strings.HasPrefix(got, "/") {
			t.Fatalf("%q is folded to %q", path, got)
		}
		for _, c := range got {
			if c <= ' ' || c > '~' {
				t.Fatalf("%q is folded to %q", path, got)
			}
		}
	})
}
