package email

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"seaworthy/app/email/compose"
	"seaworthy/app/web"
)

const pageBrand = "/-/admin/email/brand"

type brandData struct {
	Version                int64
	Logo                   string // path; "" for none
	LogoW, LogoH           int
	Shown                  compose.Brand
	Ground, Ink, Ratio     string
	Manage                 bool
	Done                   string
	Changed                time.Time
	Theme                  string
	ConfigName, ConfigSite string
}

// brandDone are what the page says after an act.
var brandDone = map[string]string{"saved": "The brand is saved. Mails wear it from now on.", "logo": "The logo is saved. Mails show it from now on.",
	"removed": "The logo is removed. Mails show the name in its place."}

func (s *System) brandPage(w http.ResponseWriter, r *http.Request) error {
	b := *s.brand.Load()
	return s.showBrand(w, r, BrandInput{Version: int(b.version), Name: b.name, Accent: b.accent, Address: b.address, Support: b.support, Website: b.website}, nil)
}

func (s *System) showBrand(w http.ResponseWriter, r *http.Request, in BrandInput, fault *web.Error) error {
	b, shown := *s.brand.Load(), s.brandNow(r.Context())
	ground, ink, ratio := compose.Accent(shown.Accent)
	d := brandData{Version: int64(in.Version), Shown: shown, Ground: ground, Ink: ink, Ratio: fmt.Sprintf("%.1f", ratio), Manage: web.IdentityOf(r.Context()).Can(permManage),
		Done: brandDone[r.URL.Query().Get("done")], Theme: theme(r.URL.Query().Get("theme")), ConfigName: s.Brand.Name, ConfigSite: s.Brand.URL}
	if b.logo != "" {
		d.Logo, d.LogoW, d.LogoH = logoPath(b.logo, b.kind), shown.LogoW, shown.LogoH
	}
	if b.changed != 0 {
		d.Changed = time.UnixMilli(b.changed)
	}
	v := web.View{Title: "Brand", Data: d, Form: &web.Form{Err: fault, Values: map[string]string{"version": strconv.Itoa(in.Version), "name": in.Name, "accent": in.Accent,
		"address": in.Address, "support": in.Support, "website": in.Website}}}
	if fault != nil {
		v.Status = fault.Status
	}
	return s.Pages.Render(w, r, "email/brand", v)
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
	return BrandInput{Version: int(b.version), Name: b.name, Accent: b.accent, Address: b.address, Support: b.support, Website: b.website}
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
	m, err := s.render(r.Context(), name, s.samples[name], "")
	if err != nil {
		return err
	}
	return writeMail(w, m.HTML, theme(r.URL.Query().Get("theme")))
}
