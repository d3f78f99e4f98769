package web

import (
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestStatic(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("body { color: red }\n", 100)
	s, err := NewStatic(fstest.MapFS{
		"css/app.css": {Data: []byte(long)}, "js/app.js": {Data: []byte("go()")}, "icons/LICENSE": {Data: []byte("MIT")},
		"secret/key": {Data: []byte("x")},
	}, "css", "js", "icons")
	if err != nil {
		t.Fatal(err)
	}
	css, js := s.URL("css/app.css"), s.URL("js/app.js")
	mux := http.NewServeMux()
	mux.Handle("GET /-/assets/{hash}/{path...}", s)
	for _, c := range []struct {
		name, url, accept string
		status            int
		kind, body        string
		zipped            bool
	}{
		{"as it is", css, "", 200, "text/css; charset=utf-8", long, false},
		{"zipped", css, "gzip, deflate, br", 200, "text/css; charset=utf-8", long, true},
		{"zipped in capitals", css, "br;q=1, GZIP;q=0.5", 200, "text/css; charset=utf-8", long, true},
		{"gzip refused", css, "gzip;q=0, br", 200, "text/css; charset=utf-8", long, false},
		{"another coding of the name", css, "x-gzip-not", 200, "text/css; charset=utf-8", long, false},
		{"too small to zip", js, "gzip", 200, "text/javascript; charset=utf-8", "go()", false},
		{"no ending", s.URL("icons/LICENSE"), "", 200, "application/octet-stream", "MIT", false},
		{"another hash", strings.Replace(css, css[len("/-/assets/"):len("/-/assets/")+12], "000000000000", 1), "", 404, "", "", false},
		{"another file's hash", strings.Replace(js, "js/app.js", "css/app.css", 1), "", 404, "", "", false},
		{"no hash", "/-/assets/css/app.css", "", 404, "", "", false},
		{"no such file", "/-/assets/000000000000/css/none.css", "", 404, "", "", false},
		{"a folder that is not served", "/-/assets/000000000000/secret/key", "", 404, "", "", false},
	} {
		r := httptest.NewRequest("GET", c.url, nil)
		r.Header.Set("Accept-Encoding", c.accept)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.status)
		}
		if immutable := w.Header().Get("Cache-Control") == "public, max-age=31536000, immutable"; immutable != (c.status == 200) {
			t.Errorf("%s: Cache-Control %q", c.name, w.Header().Get("Cache-Control"))
		}
		if c.status != 200 {
			continue
		}
		if got := w.Header().Get("Content-Encoding"); (got == "gzip") != c.zipped || w.Header().Get("Vary") != "Accept-Encoding" || w.Header().Get("Content-Type") != c.kind {
			t.Errorf("%s: %v", c.name, w.Header())
		}
		if got := unzip(t, w.Body, c.zipped); got != c.body {
			t.Errorf("%s: body %.40q", c.name, got)
		}
	}
}

func TestStaticURL(t *testing.T) {
	t.Parallel()
	of := func(body string) string {
		s, err := NewStatic(fstest.MapFS{"css/a.css": {Data: []byte(body)}}, "css")
		if err != nil {
			t.Fatal(err)
		}
		if s.URL("css/b.css") != "" || s.URL("") != "" {
			t.Error("a file that is none has an address")
		}
		return s.URL("css/a.css")
	}
	a, again, b := of("a"), of("a"), of("b")
	if a != again || a == b {
		t.Errorf("the address does not follow the content: %s, %s, %s", a, again, b)
	}
	if _, err := NewStatic(fstest.MapFS{}, "css"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is missing: %v", err)
	}
}

func unzip(t *testing.T, r io.Reader, zipped bool) string {
	t.Helper()
	if zipped {
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Error(err)
			return ""
		}
		r = z
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}
