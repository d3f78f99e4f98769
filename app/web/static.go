package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Static serves embedded files under names that contain their hash, so that
// browsers may keep them for ever.
type Static struct{ files map[string]*staticFile }

type staticFile struct {
	url, kind string
	body      []byte
	zipped    func() []byte
}

// kinds are the media types of what pages load, by the end of a name. The machine's own
// table, which package mime would ask, may call a script something that no browser runs.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif", ".ico": "image/x-icon",
	".woff2": "font/woff2", ".json": "application/json", ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8", ".md": "text/plain; charset=utf-8",
}

// NewStatic reads every file of the given folders of fsys.
func NewStatic(fsys fs.FS, folders ...string) (*Static, error) {
	s := &Static{files: map[string]*staticFile{}}
	for _, folder := range folders {
		err := fs.WalkDir(fsys, folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			body, err := fs.ReadFile(fsys, name)
			if err != nil {
				return err
			}
			sum := sha256.Sum256(body)
			s.files[name] = &staticFile{
				url: "/-/assets/" + hex.EncodeToString(sum[:6]) + "/" + name, kind: cmp.Or(kinds[path.Ext(name)], "application/octet-stream"),
				body: body, zipped: sync.OnceValue(func() []byte { return zip(body) }),
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// URL is where a file is served, "" if there is none of that name.
func (s *Static) URL(name string) string {
	if f := s.files[name]; f != nil {
		return f.url
	}
	return ""
}

// ServeHTTP answers GET /-/assets/{hash}/{path...}.
func (s *Static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := s.files[r.PathValue("path")]
	if f == nil || f.url != r.URL.Path {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.body
	if len(body) > 1024 && acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = f.zipped()
	}
	w.Write(body)
}

// acceptsGzip reads Accept-Encoding (RFC 9110 section 12.5.3): named, and not
// with a weight of 0.
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			_, q, weighed := strings.Cut(weight, "=")
			n, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
			return !weighed || err == nil && n > 0
		}
	}
	return false
}

func zip(body []byte) []byte {
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	z.Write(body)
	z.Close()
	return buf.Bytes()
}
