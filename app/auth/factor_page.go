package auth

import (
	"html/template"
	"image/color"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/boombuler/barcode/qr"

	"seaworthy/app/web"
	"seaworthy/store"
)

const securityPath = "/-/account/security"

// factorsSection is two-step sign-in on the security page.
type factorsSection struct {
	Factors  []factorView
	Recovery int  // codes left
	Texts    bool // phones can be set up here
	Full     bool // no more can be added
}

type factorView struct {
	ID, Name, Icon string
	Created, Used  time.Time
}

func (f factor) view() factorView {
	v := factorView{ID: f.id, Name: f.name(), Icon: "shield-check", Created: f.created, Used: f.used}
	if f.kind != totpFactor {
		v.Icon = "smartphone"
	}
	return v
}

func (s *System) factorsSection(tx *store.Tx, userID string) (d factorsSection, err error) {
	all, err := factors(tx, userID)
	if err != nil {
		return d, err
	}
	for _, f := range all {
		d.Factors = append(d.Factors, f.view())
	}
	d.Texts, d.Full = s.Texts != nil, len(all) >= maxFactors
	d.Recovery, err = livingTokens(tx, userID, forRecovery)
	return d, err
}

func (s *System) phonePage(w http.ResponseWriter, r *http.Request) error {
	if s.Texts == nil {
		return web.ErrNotFound
	}
	return s.Pages.Render(w, r, "auth/phone", web.View{Title: "Set up texts"})
}

func (s *System) beginForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[beginInput](r)
	if err != nil {
		return err
	}
	f, err := s.begin(r.Context(), in)
	if err != nil && in.Kind == string(smsFactor) && s.Texts != nil {
		return s.again(w, r, "auth/phone", web.View{Title: "Set up texts"}, map[string]string{"phone": in.Phone}, err)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, securityPath+"/factors/"+f.id)
}

// enrolData is a factor that is being set up.
type enrolData struct {
	ID, Phone string
	Key       string       // grouped by four
	Link      template.URL // opens an app on this device
	QR        template.HTML
}

func (s *System) enrolData(r *http.Request) (d enrolData, title string, err error) {
	id := web.IdentityOf(r.Context())
	f, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (factor, error) { return beingSetUp(tx, id.User, r.PathValue("id")) })
	if err != nil {
		return d, "", err
	}
	d = enrolData{ID: f.id, Phone: f.label}
	if f.kind == smsFactor {
		return d, "Set up texts", nil
	}
	seed, err := s.secretOf(f)
	if err != nil {
		return d, "", err
	}
	uri := seedURI(seed, s.Pages.Site().Brand, id.Email)
	d.Key, d.Link = grouped(seed), template.URL(uri)
	d.QR, err = qrCode(uri)
	return d, "Set up an authenticator app", err
}

// enrolPage shows what the code is made with. The secret is shown to whoever has
// confirmed lately who he is, until it is confirmed, and never again.
func (s *System) enrolPage(w http.ResponseWriter, r *http.Request) error {
	data, title, err := s.enrolData(r)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/enrol", web.View{Title: title, Data: data})
}

func (s *System) confirmFactorForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[confirmFactorInput](r)
	if err != nil {
		return err
	}
	codes, err := s.finishEnrol(r.Context(), r.PathValue("id"), in)
	if err != nil {
		data, title, failed := s.enrolData(r)
		if failed != nil {
			return err
		}
		return s.again(w, r, "auth/enrol", web.View{Title: title, Data: data}, map[string]string{"label": in.Label}, err)
	}
	if codes == nil {
		return web.SeeOther(w, r, securityPath+"?done=factor")
	}
	return s.showRecovery(w, r, codes, true)
}

func (s *System) textFactorForm(w http.ResponseWriter, r *http.Request) error {
	if err := s.textAgain(r.Context(), r.PathValue("id")); err != nil {
		data, title, failed := s.enrolData(r)
		if failed != nil {
			return err
		}
		return s.again(w, r, "auth/enrol", web.View{Title: title, Data: data}, nil, err)
	}
	return web.SeeOther(w, r, securityPath+"/factors/"+r.PathValue("id"))
}

func (s *System) removeFactorForm(w http.ResponseWriter, r *http.Request) error {
	if err := s.dropFactor(r.Context(), r.PathValue("id")); err != nil && !isNotFound(err) {
		return err // gone already is what was wanted
	}
	return web.SeeOther(w, r, securityPath+"?done=factor_removed")
}

// recoveryData are codes, the one time that they are shown.
type recoveryData struct {
	Codes []string
	Text  string       // all of them, for copying
	File  template.URL // the same as a file; no request could fetch them again
	First bool         // two-step sign-in was just set up
}

func (s *System) showRecovery(w http.ResponseWriter, r *http.Request, codes recoveryCodes, first bool) error {
	text := strings.Join(codes, "\n") + "\n"
	file := "Recovery codes for " + s.Pages.Site().Brand + ", " + web.IdentityOf(r.Context()).Email + "\nMade " + s.DB.Now().UTC().Format("2 Jan 2006, 15:04 UTC") + "; each works once.\n\n" + text
	return s.Pages.Render(w, r, "auth/recovery", web.View{Title: "Recovery codes", Data: recoveryData{Codes: codes, Text: text, First: first,
		File: template.URL("data:text/plain;charset=utf-8," + strings.ReplaceAll(url.QueryEscape(file), "+", "%20"))}})
}

func (s *System) recoveryForm(w http.ResponseWriter, r *http.Request) error {
	codes, err := s.newRecovery(r.Context())
	if err != nil {
		return err
	}
	return s.showRecovery(w, r, codes, false)
}

type forgetInput struct {
	Device string `json:"device,omitempty"` // all if left out
}

func (s *System) forgetForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[forgetInput](r)
	if err != nil {
		return err
	}
	if err := s.forget(r.Context(), in.Device); err != nil && !isNotFound(err) {
		return err
	}
	return web.SeeOther(w, r, "/-/account/sessions?done=forgotten")
}

// qrCode draws a QR code as a picture within the page, which no policy on images
// can forbid: black on white also in the dark theme, with the quiet zone of four
// modules that ISO/IEC 18004 wants.
func qrCode(text string) (template.HTML, error) {
	const quiet = 4
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", err
	}
	size := code.Bounds().Dx()
	var b strings.Builder
	at := func(n int) string { return strconv.Itoa(n + quiet) }
	b.WriteString(`<svg class="qr" role="img" aria-label="QR code for your authenticator app" viewBox="0 0 ` + strconv.Itoa(size+2*quiet) + ` ` + strconv.Itoa(size+2*quiet) + `" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h` + strconv.Itoa(size+2*quiet) + `v` + strconv.Itoa(size+2*quiet) + `H0z"/><path fill="#000" d="`)
	for y := range size { // a bar for each run of dark modules, a third of what a square for each would take
		for x := 0; x < size; x++ {
			from := x
			for x < size && dark(code.At(x, y)) {
				x++
			}
			if x > from {
				b.WriteString("M" + at(from) + " " + at(y) + "h" + strconv.Itoa(x-from) + "v1h-" + strconv.Itoa(x-from) + "z")
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil
}

func dark(c color.Color) bool {
	r, _, _, _ := c.RGBA()
	return r < 0x8000
}
