package email

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"seaworthy/app/accent"
	"seaworthy/app/web"
)

const pageBrand = "/-/admin/email/brand"

type brandData struct {
	Version                int64
	Logo                   string // path; "" for none
	LogoW, LogoH           int
	Mailed                 bool // mails show the logo
	Buttons                []swatch
	Manage                 bool
	Done                   string
	Changed                time.Time
	Theme                  string
	Tried                  bool              // what is in the form is not saved
	Look, Sample, To       map[string]string // addresses of frames and of this page, by theme
	ConfigName, ConfigSite string
}

// swatch is a primary button in one theme, and how well it can be read.
type swatch struct{ Theme, Ground, Ink, Ratio string }

// brandDone are what the page says after an act.
var brandDone = map[string]string{"saved": "The brand is saved. Pages and mails wear it from now on.", "logo": "The logo is saved. Pages and mails show it from now on.",
	"removed": "The logo is removed. The name stands in its place."}

// brandPage shows the brand in use, or one that is tried: its fields are in the query then.
func (s *System) brandPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if !q.Has("accent") {
		return s.showBrand(w, r, s.asIs(), nil)
	}
	version, err := strconv.Atoi(q.Get("version"))
	if err != nil {
		version = int(s.brand.Load().version)
	}
	in := BrandInput{Version: version, Name: q.Get("name"), Accent: q.Get("accent"), Dark: q.Get("accent_dark"), Address: q.Get("address"), Support: q.Get("support"), Website: q.Get("website")}
	if err := in.check(); err != nil {
		return s.showBrand(w, r, in, web.AsError(err))
	}
	return s.showBrand(w, r, in, nil)
}

func (s *System) showBrand(w http.ResponseWriter, r *http.Request, in BrandInput, fault *web.Error) error {
	b := *s.brand.Load()
	d := brandData{Version: int64(in.Version), Manage: web.IdentityOf(r.Context()).Can(permManage), Buttons: swatches(in),
		Done: brandDone[r.URL.Query().Get("done")], Theme: theme(r.URL.Query().Get("theme")), ConfigName: s.Brand.Name, ConfigSite: s.Brand.URL,
		Look: map[string]string{}, Sample: map[string]string{}, To: map[string]string{}}
	query := ""
	if fault == nil {
		query = queryOf(r)
		d.Tried = query != "" && in != s.asIs()
	}
	for _, theme := range []string{"light", "dark"} {
		d.Look[theme], d.Sample[theme], d.To[theme] = pageBrand+"/look?theme="+theme+query, pageBrand+"/sample?theme="+theme+query, pageBrand+"?theme="+theme+query
	}
	if b.logo != "" {
		d.Logo, d.Mailed = logoPath(b.logo, b.kind), logoKinds[b.kind].mailed
		d.LogoW, d.LogoH = b.shown(maxLogoWidth, maxLogoHeight)
	}
	if b.changed != 0 {
		d.Changed = time.UnixMilli(b.changed)
	}
	v := web.View{Title: "Brand", Data: d, Form: &web.Form{Err: fault, Values: map[string]string{"version": strconv.Itoa(in.Version), "name": in.Name, "accent": in.Accent, "accent_dark": in.Dark,
		"address": in.Address, "support": in.Support, "website": in.Website}}}
	if fault != nil {
		v.Status = fault.Status
	}
	return s.Pages.Render(w, r, "email/brand", v)
}

// swatches are the accent's buttons in both themes; none without an accent of its own.
func swatches(in BrandInput) (all []swatch) {
	if !accent.Valid(in.Accent) || in.Dark != "" && !accent.Valid(in.Dark) {
		return nil
	}
	light, dark := accent.Sheet{Accent: in.Accent, Dark: in.Dark}.Palettes()
	for _, p := range []struct {
		theme string
		accent.Palette
	}{{"Light", light}, {"Dark", dark}} {
		all = append(all, swatch{p.theme, p.Ground, p.Ink, fmt.Sprintf("%.1f", accent.Contrast(p.Ground, p.Ink))})
	}
	return all
}

// theme is one that the frame knows; light for any other.
func theme(text string) string {
	if text == "dark" {
		return text
	}
	return "light"
}

func (s *System) brandSave(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[BrandInput](r)
	if err != nil {
		return err
	}
	return s.brandActed(w, r, in, "saved", s.setBrand(r.Context(), in))
}

// brandActed leads on after an act, or shows the page again with what is wrong.
func (s *System) brandActed(w http.ResponseWriter, r *http.Request, in BrandInput, done string, err error) error {
	if err == nil {
		return web.SeeOther(w, r, pageBrand+"?done="+done)
	}
	if e := web.AsError(err); e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusConflict {
		return s.showBrand(w, r, in, e)
	}
	return err
}

// asIs is the brand in use as the form holds it.
func (s *System) asIs() BrandInput {
	b := *s.brand.Load()
	return BrandInput{Version: int(b.version), Name: b.name, Accent: b.accent, Dark: b.dark, Address: b.address, Support: b.support, Website: b.website}
}

func (s *System) brandLogo(w http.ResponseWriter, r *http.Request) error {
	body, fields, err := uploaded(r)
	if err != nil {
		if e := web.AsError(err); e.Status == http.StatusUnprocessableEntity {
			return s.showBrand(w, r, s.asIs(), e)
		}
		return err
	}
	version, err := versionOf(fields["version"])
	if err != nil {
		return err
	}
	return s.brandActed(w, r, s.asIs(), "logo", s.setLogo(r.Context(), version, body))
}

type versionForm struct {
	Version string `json:"version"`
}

func (s *System) brandLogoRemove(w http.ResponseWriter, r *http.Request) error {
	f, err := web.Decode[versionForm](r)
	if err != nil {
		return err
	}
	version, err := versionOf(f.Version)
	if err != nil {
		return err
	}
	return s.brandActed(w, r, s.asIs(), "removed", s.dropLogo(r.Context(), version))
}

// brandSample shows one of our mails in the brand, for a frame.
func (s *System) brandSample(w http.ResponseWriter, r *http.Request) error {
	const name = "billing/receipt"
	brand := s.brandNow(r.Context())
	if q := r.URL.Query(); q.Has("accent") {
		brand = s.dress(s.trial(q.Get))
	}
	m, err := s.renderIn(r.Context(), brand, name, s.samples[name], "")
	if err != nil {
		return err
	}
	return writeMail(w, m.HTML, theme(r.URL.Query().Get("theme")))
}
