package auth

import (
	"encoding/hex"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// emailSignInRoutes are where people sign in by mail; none where that is off.
func (s *System) emailSignInRoutes() []web.Route {
	if !s.EmailSignIn {
		return nil
	}
	return []web.Route{
		{Method: "GET", Pattern: "/-/login/email", Access: web.Public, Handler: s.emailSignInPage, Limit: web.PerMinute(30)},
		{Method: "POST", Pattern: "/-/login/email", Access: web.Public, Handler: s.emailAskForm, Limit: web.PerMinute(5), Audit: actions(actSignInAsked)},
		{Method: "POST", Pattern: "/-/login/email/link", Access: web.Public, Handler: s.emailLinkForm, Limit: web.PerMinute(10), Audit: append(actions(actSignInDenied), signedInActions...)},
		{Method: "GET", Pattern: "/-/login/email/code", Access: web.Public, Handler: s.codePage, Limit: web.PerMinute(30)},
		{Method: "POST", Pattern: "/-/login/email/code", Access: web.Public, Handler: s.codeForm, Limit: web.PerMinute(10), Audit: append(actions(actSignInRefused), signedInActions...)},
		{Method: "POST", Pattern: "/-/api/v1/login/email", Access: web.Public, Handler: s.emailAskAPI, Limit: web.PerMinute(5), Audit: actions(actSignInAsked),
			Doc: web.Doc{Summary: "Have a code mailed to sign in with; the answer is the same for every address", In: emailLoginAPI{}, Out: emailLoginAnswer{}, Status: http.StatusAccepted}},
		{Method: "POST", Pattern: "/-/api/v1/login/email/code", Access: web.Public, Handler: s.emailCodeAPI, Limit: web.PerMinute(10), Audit: append(actions(actSignInRefused), signedInActions...),
			Doc: web.Doc{Summary: "Sign in with the code that was mailed, and get tokens", In: codeInputAPI{}, Out: tokenResponse{}}},
	}
}

// emailAskInput is sent by a form of its own, and by the sign-in form, which
// sends its password field along; that one is not looked at.
type emailAskInput struct {
	Email    string `json:"email"`
	Next     string `json:"next,omitempty"`
	Password string `json:"password,omitempty"`
}

func (s *System) emailAskForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[emailAskInput](r)
	if err != nil {
		return err
	}
	attempt, err := s.askSignIn(r.Context(), in.Email, in.Next)
	if err != nil {
		return s.again(w, r, "auth/emailask", web.View{Title: "Sign in by email", Data: nextData{Next: web.LocalPath(in.Next, "")}},
			map[string]string{"email": in.Email}, err)
	}
	s.setCookie(w, attemptCookie, string(attempt), life[forEmailLink])
	to := "/-/login/email/code"
	if next := web.LocalPath(in.Next, ""); next != "" {
		to = web.WithNext(to, next)
	}
	return web.SeeOther(w, r, to)
}

// emailLinkData is what a link would do, for the page that asks.
type emailLinkData struct {
	Token, Email, Device string
	Asked                time.Time
	Here                 bool   // this browser asked for it
	Other                string // who is signed in here now, if that is somebody else
}

// emailSignInPage is where a link leads. Opening it changes nothing: mail scanners
// open links too. Without a token it asks for an address.
func (s *System) emailSignInPage(w http.ResponseWriter, r *http.Request) error {
	t := token(r.URL.Query().Get("token"))
	if t == "" {
		return s.Pages.Render(w, r, "auth/emailask", web.View{Title: "Sign in by email", Data: next(r)})
	}
	o, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (oneTime, error) { return peek(tx, t, forEmailLink) })
	if err != nil {
		return err
	}
	data := emailLinkData{Token: string(t), Email: o.payload["typed"], Device: o.payload["device"], Asked: o.created,
		Here: s.askedHere(r, o)}
	if id := web.IdentityOf(r.Context()); id.Person() && id.User != o.user {
		data.Other = id.Email
	}
	return s.Pages.Render(w, r, "auth/emaillink", web.View{Title: "Sign in", Data: data})
}

// askedHere reports whether the browser is the one that asked for a link.
func (s *System) askedHere(r *http.Request, o oneTime) bool {
	attempt := s.attemptOf(r)
	return attempt != "" && hex.EncodeToString(attempt.hash()) == o.payload["attempt"]
}

type emailLinkInput struct {
	Token string `json:"token"`
	Act   string `json:"act"`
}

func (s *System) emailLinkForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[emailLinkInput](r)
	if err != nil {
		return err
	}
	switch in.Act {
	case "confirm":
		return s.enterByLink(w, r, token(in.Token))
	case "deny":
		return s.denySignIn(w, r, token(in.Token))
	}
	return web.BadRequest("bad_field", "Choose whether to sign in.")
}

func (s *System) enterByLink(w http.ResponseWriter, r *http.Request, t token) error {
	n, next, email := newSessionFor(r, s.Secure), "", ""
	e, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (entry, error) {
		o, err := consume(tx, t, forEmailLink)
		if err != nil {
			return entry{}, err
		}
		next, email = o.payload["next"], o.payload["email"]
		return s.enterByMail(tx, o, n, byEmailLink)
	})
	if err != nil {
		return err
	}
	s.throttle.succeeded(s.DB.Now(), email, web.OriginOf(r.Context()).Addr)
	s.setCookie(w, attemptCookie, "", 0)
	return s.arrive(w, r, n, e, next)
}

// denySignIn is "this was not me": link and code are used up at once.
func (s *System) denySignIn(w http.ResponseWriter, r *http.Request, t token) error {
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		o, err := consume(tx, t, forEmailLink)
		if err != nil {
			return err
		}
		if err := voidSignIns(tx, o.user); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actSignInDenied, Actor: audit.User(o.user), Targets: []audit.Ref{audit.User(o.user)}})
	}); err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: "Thank you", Data: notice{Kind: "ok", Heading: "Nobody was signed in",
		Body: []string{"The link and the code in that mail no longer work. Your account was not touched."}}})
}
