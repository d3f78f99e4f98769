package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/auth/oidc"
	"seaworthy/app/web"
	"seaworthy/store"
)

// byProvider is how a sign-in with a provider counts. RFC 8176 has no value for
// it; "fed" is what Entra says of its own federated sign-ins. The provider's own
// amr is not passed on: it says what satisfied the provider, and not us.
func byProvider(p *oidc.Provider) proof { return proof{method: p.Name, amr: "fed"} }

// What somebody is at a provider for.
const (
	toSignIn  = "sign-in"
	toLink    = "link"
	toConfirm = "confirm"
)

// trip is one way to a provider and back. Its state token names it; everything
// else that must match stays here (payload of auth_one_time) or in the browser.
type trip struct {
	oneTime
	state token
}

func (t trip) act() string  { return t.payload["act"] }
func (t trip) next() string { return t.payload["next"] }

// provider is one by its name; nil if it is not configured.
func (s *System) provider(name string) *oidc.Provider {
	for _, p := range s.Social {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// browserOf is what binds whatever comes back to the browser that went: whoever is
// sent a link with another's state and code has no such cookie. It is a new one if
// there is none: two tabs can be under way at once.
func (s *System) browserOf(r *http.Request) token {
	if t := token(s.cookieOf(r, tripCookie)); len(t) == len(newToken()) {
		return t
	}
	return newToken()
}

func (s *System) sealVerifier(state token, verifier string) string {
	return base64.RawURLEncoding.EncodeToString(s.Master.Seal("social", string(state), []byte(verifier)))
}

func (s *System) openVerifier(t trip) (string, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(t.payload["verifier"])
	if err != nil {
		return "", err
	}
	verifier, err := s.Master.Open("social", string(t.state), sealed)
	return string(verifier), err
}

// depart sends a browser to a provider. The answer is a page that leads on and
// no redirect: browsers hold what a form leads to, redirects and all, to the
// page's form-action, and where a provider redirects on is not for us to know.
func (s *System) depart(w http.ResponseWriter, r *http.Request, o oneTime) error {
	p := s.provider(r.PathValue("provider"))
	if p == nil {
		return web.ErrNotFound
	}
	if web.OriginOf(r.Context()).Bearer {
		return web.ErrPersonOnly
	}
	state, browser := newToken(), s.browserOf(r)
	v := oidc.Proof{State: string(state), Nonce: string(newToken()), Verifier: oidc.NewVerifier()}
	to, err := p.Start(r.Context(), v)
	if err != nil {
		s.Log.WarnContext(r.Context(), "a provider cannot be asked", "provider", p.String(), "err", err)
		return s.apart(w, r, http.StatusServiceUnavailable, "We cannot reach "+p.Label, "It did not answer. Try again in a minute, or sign in another way.")
	}
	o.purpose = forSocial
	o.payload["provider"], o.payload["nonce"], o.payload["verifier"] = p.Name, v.Nonce, s.sealVerifier(state, v.Verifier)
	o.payload["browser"] = hashText(browser)
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		// A few go for each that comes, so that whoever is nobody here cannot fill the table.
		if _, err := deleteOneTime(tx, tx.Now().Add(-tokenStay).UnixMilli(), 4); err != nil {
			return err
		}
		return issue(tx, state, o)
	}); err != nil {
		return err
	}
	s.setCookie(w, tripCookie, string(browser), life[forSocial])
	w.Header().Set("Refresh", "0; url="+to)
	return s.Pages.Render(w, r, "auth/depart", web.View{Title: "On to " + p.Label, Data: struct{ Label, To string }{p.Label, to}})
}

func hashText(t token) string { return base64.RawURLEncoding.EncodeToString(t.hash()) }

type departInput struct {
	Next string `json:"next,omitempty"`
}

func (s *System) socialForm(w http.ResponseWriter, r *http.Request) error {
	if s.provider(r.PathValue("provider")) == nil {
		return web.ErrNotFound
	}
	in, err := web.Decode[departInput](r)
	if err != nil {
		return err
	}
	return s.depart(w, r, oneTime{payload: map[string]string{"act": toSignIn, "next": web.LocalPath(in.Next, "")}})
}

// errTrip is the answer to whatever comes back that did not go out from here:
// another browser's state, another provider's, a used or an invented one.
var errTrip = errors.New("this state is not one of this browser and provider")

// trip finds where the state of a request belongs. With use it is used up, so
// that of many answers with one state one alone counts.
func (s *System) trip(tx *store.Tx, r *http.Request, p *oidc.Provider, use bool) (t trip, err error) {
	t.state = token(r.URL.Query().Get("state"))
	find := peek
	if use {
		find = consume
	}
	t.oneTime, err = find(tx, t.state, forSocial)
	if errors.Is(err, errLink) {
		return t, errTrip
	}
	if err != nil {
		return t, err
	}
	c, err := r.Cookie(cookieName(tripCookie, s.Secure))
	if err != nil || subtle.ConstantTimeCompare([]byte(hashText(token(c.Value))), []byte(t.payload["browser"])) != 1 || t.payload["provider"] != p.Name {
		return t, errTrip
	}
	if id := web.IdentityOf(r.Context()); t.act() != toSignIn && (id.User != t.user || id.Session != t.session) {
		return t, errTrip
	}
	return t, nil
}

// socialBack is where a provider sends people back to. It changes something by a
// GET, as the protocol has it; state and cookie say that this browser asked.
func (s *System) socialBack(w http.ResponseWriter, r *http.Request) error {
	p := s.provider(r.PathValue("provider"))
	if p == nil {
		return web.ErrNotFound
	}
	if web.OriginOf(r.Context()).Bearer {
		return web.ErrPersonOnly
	}
	q := r.URL.Query()
	code := q.Get("code")
	failed := q.Has("error") || code == "" || len(code) > 4096
	t, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (trip, error) { return s.trip(tx, r, p, !failed) })
	switch {
	case errors.Is(err, errTrip):
		return s.apart(w, r, http.StatusBadRequest, "This sign-in cannot go on", "It was begun in another browser, is too old or was used already. Nothing was changed. Begin again.")
	case err != nil:
		return err
	case q.Get("error") == "access_denied":
		return s.apart(w, r, http.StatusForbidden, "You did not go on with "+p.Label, "Nothing was changed. Begin again, or sign in another way.")
	case failed, p.Kind != oidc.GitHub && q.Has("iss") && q.Get("iss") != p.Issuer: // RFC 9207
		return s.apart(w, r, http.StatusBadRequest, "Something went wrong at "+p.Label, "It sent you back without an answer that we can use. Nothing was changed. Begin again, or sign in another way.")
	}
	verifier, err := s.openVerifier(t)
	if err != nil {
		return err
	}
	claims, err := p.Finish(r.Context(), code, oidc.Proof{State: string(t.state), Nonce: t.payload["nonce"], Verifier: verifier})
	if err != nil {
		return s.disbelieve(w, r, p, t, err)
	}
	switch t.act() {
	case toLink:
		return s.linkBack(w, r, newArrival(p, claims), t)
	case toConfirm:
		return s.confirmBack(w, r, newArrival(p, claims), t)
	}
	return s.signInBack(w, r, newArrival(p, claims), t)
}

// disbelieve answers when the provider did not confirm who somebody is.
func (s *System) disbelieve(w http.ResponseWriter, r *http.Request, p *oidc.Provider, t trip, err error) error {
	var why *oidc.Error
	if !errors.As(err, &why) {
		return err
	}
	s.Log.WarnContext(r.Context(), "a provider's answer was refused", "provider", p.String(), "reason", why.Reason, "err", why.Err,
		"request_id", web.OriginOf(r.Context()).RequestID)
	if t.act() == toSignIn {
		if err := s.DB.Write(r.Context(), func(tx *store.Tx) error { return s.refuseProvider(tx, p, why.Reason, user{}) }); err != nil {
			return err
		}
	}
	status := http.StatusForbidden
	if why.Reason == "unavailable" {
		status = http.StatusServiceUnavailable
	}
	return s.apart(w, r, status, p.Label+" did not confirm who you are", "Nothing was changed. Begin again, or sign in another way.")
}

// refuseProvider records a sign-in with a provider that led nowhere.
func (s *System) refuseProvider(tx *store.Tx, p *oidc.Provider, reason string, u user) error {
	e := audit.Event{Action: actSignInRefused, Details: map[string]any{"method": p.Name, "reason": reason}}
	if u.id != "" {
		e.Targets, e.Subject = []audit.Ref{audit.User(u.id)}, audit.User(u.id)
	}
	return s.Audit.Record(tx, e)
}

// apart is a page that says why a trip ended without what it was for.
func (s *System) apart(w http.ResponseWriter, r *http.Request, status int, heading, body string) error {
	data := notice{Kind: "warn", Heading: heading, Body: []string{body}, Action: "Back to sign-in", Path: "/-/login"}
	if web.IdentityOf(r.Context()).Person() {
		data.Action, data.Path = "Back to your account", "/-/account/security"
	}
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: heading, Status: status, Data: data})
}
