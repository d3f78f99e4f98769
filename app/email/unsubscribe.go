package email

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) unsubscribeRoutes() []web.Route {
	const link, confirm, account = "/-/unsubscribe/{token}", "/-/consent/{token}", "/-/account/notifications"
	audits := []string{string(actUnsubscribed), string(actConsentGiven)}
	return []web.Route{
		{Method: "GET", Pattern: link, Access: web.Public, Handler: s.unsubscribePage},
		{Method: "POST", Pattern: link, Access: web.Public, Anywhere: true, Handler: s.unsubscribe, Audit: audits},
		{Method: "GET", Pattern: confirm, Access: web.Public, Handler: s.confirmPage},
		{Method: "POST", Pattern: confirm, Access: web.Public, Handler: s.confirmForm, Audit: []string{string(actConsentGiven)}},
		{Method: "GET", Pattern: account, Access: web.Person, Handler: s.notifications},
		{Method: "POST", Pattern: account, Access: web.Person, Handler: s.notificationsForm, Audit: audits},
	}
}

// linkData is the page that a link leads to.
type linkData struct {
	Token, Done string
	To          string // the address, most of it hidden; "" if it is not known
	Choice      *Choice
	Title       string // of the link's category
	On          bool   // it is still sent
	None        bool   // nothing is
	Choices     []Choice
}

// unsubscribePage shows what a link would do. Nothing is changed by looking: mail
// scanners, previews and prefetching browsers open every link there is (RFC 8058
// section 1), and some run scripts, so that nothing is sent by itself either.
func (s *System) unsubscribePage(w http.ResponseWriter, r *http.Request) error {
	l, err := s.openLink(r.PathValue("token"), useUnsubscribe)
	if err != nil {
		return err
	}
	d := linkData{Token: r.PathValue("token"), Done: linkDone[r.URL.Query().Get("done")], Title: l.subject, On: true}
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error { return s.describe(tx, l, &d) })
	if err != nil {
		return err
	}
	w.Header().Set("X-Robots-Tag", "noindex")
	title := "Unsubscribe"
	if !d.On {
		title = "Your mail"
	}
	return s.Pages.Render(w, r, "email/unsubscribe", web.View{Title: title, Data: d})
}

// linkDone says what a form did.
var linkDone = map[string]string{
	"off":  "You are unsubscribed. It can take a few minutes until mail that is on its way has stopped.",
	"on":   "You are subscribed again.",
	"all":  "You are unsubscribed from everything that can be unsubscribed from.",
	"save": "Your choice is saved.",
}

func (s *System) describe(tx *store.Tx, l link, d *linkData) (err error) {
	who := reader{hash: l.hash}
	if d.Choices, err = choices(tx, who, l.subject); err != nil {
		return err
	}
	off, err := optedOut(tx, l.hash)
	if err != nil {
		return err
	}
	d.None, d.On = off[everyCategory], !off[l.subject] && !off[everyCategory]
	for i, c := range d.Choices {
		if c.Key == l.subject {
			d.Choice, d.Title, d.On = &d.Choices[i], c.Title, c.On
		}
	}
	if who, err = s.ownerOf(tx, l); err == nil {
		d.To = masked(who.address)
	}
	return err
}

// ownerOf is whose link it is; the address is known while the message is.
func (s *System) ownerOf(tx *store.Tx, l link) (reader, error) {
	who := reader{hash: l.hash}
	m, err := scanJoined(tx.QueryRow(joinedColumns+`WHERE id = ?`, l.ref))
	if isGone(err) {
		return who, nil
	}
	if err == nil && who.is(s, m.norm) {
		who.address, who.message = m.norm, m.id
	}
	return who, err
}

// masked hides most of an address from whoever else holds the link.
func masked(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(address)
	return string(first) + "…" + address[at:]
}

// unsubscribe takes the one-click request of mail programs (RFC 8058 section 3.2)
// and the form of the page. The first answers 200 with no redirect and no cookie,
// however often it comes.
func (s *System) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	l, err := s.openLink(r.PathValue("token"), useUnsubscribe)
	if err != nil {
		return err
	}
	form, err := readForm(r)
	if err != nil {
		return err
	}
	act, source := form.Get("act"), "preferences"
	click := form.Get("List-Unsubscribe") == "One-Click"
	if click {
		act, source = "off", "one_click"
	}
	if linkDone[act] == "" {
		return web.BadRequest("bad_act", "This form does not say what to do. Open the page again.")
	}
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		who, err := s.ownerOf(tx, l)
		if err != nil {
			return err
		}
		return s.act(tx, who, act, l.subject, form["on"], saidBy(tx, source))
	})
	if err != nil {
		return err
	}
	if click {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, err := io.WriteString(w, "You are unsubscribed.\n")
		return err
	}
	return web.SeeOther(w, r, "/-/unsubscribe/"+r.PathValue("token")+"?done="+act)
}

// act does what one of the forms says.
func (s *System) act(tx *store.Tx, who reader, act, category string, on []string, how said) (err error) {
	switch act {
	case "off":
		_, err = s.optOut(tx, who, category, how)
	case "all":
		_, err = s.optOut(tx, who, everyCategory, how)
	case "save":
		_, err = s.choose(tx, who, on, category, how)
	case "on":
		c, missing := categoryByKey(tx, category)
		if isGone(missing) {
			c, missing = Category{Key: category, Title: category}, nil
		}
		if missing != nil {
			return missing
		}
		_, err = s.optIn(tx, who, c, how)
	}
	return err
}

// The bounds of a form: fields in all, and bytes of one.
const maxFormFields, maxFormValue = maxCategories + 10, 1 << 10

// readForm reads a form as browsers (urlencoded) and mail programs (both ways) send it.
func readForm(r *http.Request) (url.Values, error) {
	bad := web.BadRequest("malformed_form", "The form could not be read.")
	body, kind, err := web.ReadBody(r, "application/x-www-form-urlencoded", "multipart/form-data")
	if err != nil {
		return nil, err
	}
	var form url.Values
	if kind == "multipart/form-data" {
		_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		form, err = readParts(body, params["boundary"])
	} else {
		form, err = url.ParseQuery(string(body))
	}
	if err != nil {
		return nil, bad
	}
	n := 0
	for _, values := range form {
		n += len(values)
		if n > maxFormFields || slices.ContainsFunc(values, func(v string) bool { return len(v) > maxFormValue || !utf8.ValidString(v) }) {
			return nil, bad
		}
	}
	return form, nil
}

func readParts(body []byte, boundary string) (url.Values, error) {
	form := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxFormFields {
		p, err := parts.NextPart()
		if err == io.EOF {
			return form, nil
		}
		if err != nil {
			return nil, err
		}
		value, err := io.ReadAll(io.LimitReader(p, maxFormValue+1))
		if err != nil {
			return nil, err
		}
		form.Add(p.FormName(), string(value))
	}
	return form, nil
}
