package email

import (
	"cmp"
	"net/http"
	"strings"

	"seaworthy/app/accent"
	"seaworthy/app/web"
)

const styleBase = "/-/brand/style/"

// The room of a logo on pages, in pixels, and from which shape on it is a mark, beside
// which the name stands, and can be a tab's icon.
const (
	pageLogoHeight, pageLogoWidth = 32, 200
	markShape                     = 1.3
)

// dressed is what pages wear, of a brand.
type dressed struct {
	of *brandRow
	web.Dress
}

// Dress is what pages for customers wear. It is made once for each change of the brand.
func (s *System) Dress() web.Dress {
	b := s.brand.Load()
	if d := s.dressed.Load(); d != nil && d.of == b {
		return d.Dress
	}
	d := &dressed{b, s.dressOf(*b)}
	s.dressed.Store(d)
	return d.Dress
}

func (s *System) dressOf(b brandRow) web.Dress {
	d := web.Dress{Name: cmp.Or(b.name, s.Brand.Name)}
	if b.accent != "" || b.logo != "" {
		d.Style = styleBase + accent.Sheet{Accent: b.accent, Dark: b.dark}.Name()
	}
	if b.logo == "" {
		return d
	}
	d.Logo = logoPath(b.logo, b.kind)
	d.LogoW, d.LogoH = b.shown(pageLogoWidth, pageLogoHeight)
	if shape := float64(b.width) / float64(max(b.height, 1)); shape < markShape && shape > 1/markShape {
		d.Worded, d.Icon = true, d.Logo
	}
	return d
}

// serveStyle answers GET /-/brand/style/{file}: the name says all that the sheet is made of.
func (s *System) serveStyle(w http.ResponseWriter, r *http.Request) error {
	sheet, ok := accent.Named(r.PathValue("file"))
	if !ok {
		return web.ErrNotFound
	}
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, err := w.Write([]byte(sheet.CSS()))
	return err
}

// trial is the brand in use with what is in a form that was not saved, as far as it holds.
func (s *System) trial(q func(string) string) (b brandRow) {
	b = *s.brand.Load()
	in := BrandInput{Name: q("name"), Accent: q("accent"), Dark: q("accent_dark"), Address: q("address"), Support: q("support"), Website: q("website")}
	if in.check() == nil {
		b.name, b.accent, b.dark, b.address, b.support, b.website = in.Name, in.Accent, in.Dark, in.Address, in.Support, in.Website
	}
	return b
}

type lookData struct{ Theme string }

// brandLook shows what pages look like in the brand that is tried, for a frame.
func (s *System) brandLook(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	b := *s.brand.Load()
	if q.Has("accent") {
		b = s.trial(q.Get)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	return s.Pages.Render(w, r, "email/brandlook", web.View{Title: "A page in this brand", Dress: s.dressOf(b), Data: lookData{theme(q.Get("theme"))}})
}

// queryOf is a form's brand as frames are asked for it; "" for the brand in use.
func queryOf(r *http.Request) string {
	q := r.URL.Query()
	if !q.Has("accent") {
		return ""
	}
	q.Del("theme")
	q.Del("version")
	return "&" + strings.ReplaceAll(q.Encode(), "+", "%20")
}
