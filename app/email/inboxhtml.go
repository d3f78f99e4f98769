package email

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"seaworthy/app/email/eml"
	"seaworthy/app/web"
)

// Mail is hostile. Its HTML is shown in a frame of an origin of its own, where
// nothing runs, no form works, and nothing is fetched but our own parts; the images
// of other hosts only when whoever looks asks for them, because they tell the sender
// that somebody did.
const frameSecurity = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'self'; frame-ancestors 'self'; " +
	"sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; img-src 'self' data:"

// inboxHTML is the message's own HTML, for such a frame.
func (s *System) inboxHTML(w http.ResponseWriter, r *http.Request) error {
	m, err := s.mail(r)
	if err != nil {
		return err
	}
	q, parts := r.URL.Query(), m.attachments()
	frame := eml.Frame{Scheme: q.Get("scheme"), Part: func(id string) string {
		i := slices.IndexFunc(parts, func(p part) bool { return p.ContentID == id })
		if i < 0 {
			return ""
		}
		return parts[i].URL + "?show=1"
	}}
	policy := frameSecurity
	if q.Get("images") == "1" {
		policy += " http: https:"
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, err = w.Write([]byte(frame.Show(m.HTML)))
	return err
}

// asNothing is what files from outside are answered with: whatever they say that
// they are, they run nowhere.
func asNothing(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// inboxSource is the mail as it came.
func (s *System) inboxSource(w http.ResponseWriter, r *http.Request) error {
	m, err := s.mail(r)
	if err != nil {
		return err
	}
	asNothing(w.Header())
	w.Header().Set("Content-Type", "message/rfc822")
	w.Header().Set("Content-Disposition", `attachment; filename="`+m.ID+`.eml"`)
	_, err = w.Write(m.Source)
	return err
}

// shown are the images that a page may show as what they say they are.
var shown = []string{"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/svg+xml"}

// inboxPart is an attachment, to be kept as a file, or with show an image.
func (s *System) inboxPart(w http.ResponseWriter, r *http.Request) error {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return web.ErrNotFound
	}
	m, err := s.mail(r)
	if err != nil {
		return err
	}
	p, ok := eml.Body(m.Source, n)
	if !ok {
		return web.ErrNotFound
	}
	h := w.Header()
	asNothing(h)
	kind, how := "application/octet-stream", "attachment"
	if slices.Contains(shown, p.Type) {
		kind = p.Type
		if r.URL.Query().Get("show") == "1" {
			how = "inline"
		}
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition(how, p.Name))
	h.Set("Content-Length", strconv.Itoa(len(p.Body)))
	_, err = w.Write(p.Body)
	return err
}

// disposition writes the header; letters beyond ASCII as RFC 6266 says.
func disposition(how, name string) string {
	name = strings.ReplaceAll(name, `"`, "'")
	if out := mime.FormatMediaType(how, map[string]string{"filename": name}); out != "" {
		return out
	}
	return how
}
