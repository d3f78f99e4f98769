package standin

import (
	"net/http"
	"strings"

	"seaworthy/app/web"
)

// Routes are the stand-in's pages and endpoints, for development alone.
func (p *Provider) Routes() []web.Route {
	const none = "made-up people are nobody's business"
	program := func(w http.ResponseWriter, r *http.Request) error { p.ServeHTTP(w, r); return nil }
	return []web.Route{
		{Method: "GET", Pattern: Path + "/authorize", Access: web.Public, Handler: p.choosePage},
		{Method: "POST", Pattern: Path + "/authorize", Access: web.Public, Handler: p.chooseForm, Exempt: none},
		{Method: "GET", Pattern: Path + "/.well-known/openid-configuration", Access: web.Public, Handler: program},
		{Method: "GET", Pattern: Path + "/jwks", Access: web.Public, Handler: program},
		{Method: "POST", Pattern: Path + "/token", Access: web.Public, Handler: program, Exempt: none},
	}
}

// cast are people to choose from: one for each way a sign-in can go.
var cast = []struct {
	Person
	Means string
}{
	{Person{Name: "Ada Lovelace", Email: "ada.lovelace@gmail.com", Verified: true}, "A mailbox of the provider's own"},
	{Person{Name: "Grace Hopper", Email: "grace@navy.example", Verified: true, Hosted: "navy.example"}, "Works at an organization that the provider hosts"},
	{Person{Name: "Alan Turing", Email: "alan@example.org", Verified: true}, "Verified once, the mailbox is somewhere else"},
	{Person{Name: "Mallory", Email: "mallory@example.net"}, "Never verified"},
}

func (p *Provider) choosePage(w http.ResponseWriter, r *http.Request) error {
	a := AskOf(r.URL.Query())
	if err := p.check(a); err != nil {
		return err
	}
	return p.show(w, r, a, nil)
}

func (p *Provider) show(w http.ResponseWriter, r *http.Request, a Ask, f *web.Form) error {
	v := web.View{Title: "Choose who to be", Form: f, Data: struct {
		Ask  Ask
		Cast any
	}{a, cast}}
	if f != nil {
		v.Status = f.Err.Status
	}
	return p.Pages.Render(w, r, "auth/standin", v)
}

type choice struct {
	Ask      string `json:"ask"` // the query the page was opened with
	Act      string `json:"act"` // be, make, deny
	Name     string `json:"name,omitempty"`
	Email    string `json:"email,omitempty"`
	Verified bool   `json:"verified,omitempty"`
	Hosted   string `json:"hosted,omitempty"`
	Sub      string `json:"sub,omitempty"`
}

func (p *Provider) chooseForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[choice](r)
	if err != nil {
		return err
	}
	a, err := parseAsk(in.Ask)
	if err != nil {
		return err
	}
	if in.Act == "deny" {
		return p.sendBack(w, r, func() (string, error) { return p.Deny(a) })
	}
	var c web.Check
	who := Person{Name: c.Text("name", in.Name, 0, 100), Email: c.Text("email", in.Email, 0, 254), Verified: in.Verified,
		Hosted: strings.ToLower(c.Text("hosted", in.Hosted, 0, 253)), Sub: c.Text("sub", in.Sub, 0, 255)}
	c.Fault(who.Sub != "" || who.Email != "", "email", "required", "Give an address or a subject.")
	if err := c.Err(); err != nil {
		return p.show(w, r, a, &web.Form{Err: web.AsError(err), Values: map[string]string{"name": in.Name, "email": in.Email, "hosted": in.Hosted, "sub": in.Sub}})
	}
	return p.sendBack(w, r, func() (string, error) { return p.Grant(a, who) })
}

// sendBack redirects to the one registered address, which check has compared.
func (p *Provider) sendBack(w http.ResponseWriter, r *http.Request, where func() (string, error)) error {
	to, err := where()
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
