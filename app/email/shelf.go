package email

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"seaworthy/app/web"
)

// A preview is shown in a frame of its own, with a policy of its own: a mail has
// styles in its elements, which the console does not allow. The frame asks for
// it by id, so what was rendered waits here for a moment.

// shelved are how many previews wait, and how large each may be in bytes.
const shelved, maxShelved = 32, 512 << 10

type shelf struct {
	mu    sync.Mutex
	items []shelvedMail // oldest first
}

type shelvedMail struct{ id, owner, html string }

// put keeps a preview for whoever made it, and drops the oldest.
func (s *shelf) put(m shelvedMail) {
	if len(m.html) > maxShelved {
		m.html = "<!DOCTYPE html><html lang=\"en\"><title>Too large</title><p>This mail is too large to be shown.</p></html>"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items = append(s.items, m)
	if len(s.items) > shelved {
		s.items = slices.Delete(s.items, 0, len(s.items)-shelved)
	}
}

func (s *shelf) get(id, owner string) (html string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.items {
		if m.id == id && m.owner == owner {
			return m.html, true
		}
	}
	return "", false
}

// previewFrame answers the frame.
func (s *System) previewFrame(w http.ResponseWriter, r *http.Request) error {
	html, ok := s.shelf.get(r.PathValue("id"), web.IdentityOf(r.Context()).Actor())
	if !ok {
		return &web.Error{Status: http.StatusNotFound, Code: "not_found", Public: "This preview is gone. Preview it again."}
	}
	return writeMail(w, html, r.URL.Query().Get("theme"))
}

// writeMail answers with a mail for a sandboxed frame: nothing in it runs and no
// form or link in it works. Where theme is light or dark the mail is shown as a
// program with that theme shows it, whatever the browser's is.
func writeMail(w http.ResponseWriter, html, theme string) error {
	const query = "@media (prefers-color-scheme: dark) {"
	switch theme {
	case "dark":
		html = strings.Replace(html, query, "@media all {", 1)
		html = strings.Replace(html, ":root { color-scheme: light dark;", ":root { color-scheme: dark;", 1)
	case "light":
		html = strings.Replace(html, query, "@media not all {", 1)
		html = strings.Replace(html, ":root { color-scheme: light dark;", ":root { color-scheme: light;", 1)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, err := w.Write([]byte(html))
	return err
}
