package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"seaworthy/app/web"
	"seaworthy/store"
)

func (s *System) pendingToken(r *http.Request) token {
	return token(s.cookieOf(r, pendingCookie))
}

// mfaData is the second step of a sign-in as its page shows it.
type mfaData struct {
	Next    string
	Method  string // the one that is shown
	Methods []string
	Phone   string // masked, "" without one
	Sent    bool   // a text is on its way
}

// CanType reports whether a code can be there to type: one that is sent has to be
// asked for first.
func (d mfaData) CanType() bool {
	return d.Sent || d.Method != string(smsFactor) && d.Method != methodEmail
}

// Has reports whether a method can be used.
func (d mfaData) Has(method string) bool { return slices.Contains(d.Methods, method) }

func (s *System) mfaData(ctx context.Context, t token, method, next string, sent bool) (mfaData, error) {
	d := mfaData{Next: web.LocalPath(next, "/"), Sent: sent}
	return d, s.DB.Read(ctx, func(tx *store.Tx) error {
		p, err := s.waiting(tx, t, browserSession)
		if err != nil {
			return err
		}
		if d.Methods, err = s.secondMethods(tx, p.user.id); err != nil {
			return err
		}
		if len(d.Methods) == 0 { // the last factor went meanwhile
			return errPending
		}
		if d.Method = method; !d.Has(method) {
			d.Method = d.Methods[0]
		}
		d.Phone, err = phoneLabel(tx, p.user.id)
		return err
	})
}

func phoneLabel(tx *store.Tx, userID string) (string, error) {
	f, err := phoneOf(tx, userID)
	if isNotFound(err) {
		return "", nil
	}
	return f.label, err
}

func (s *System) mfaPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	data, err := s.mfaData(r.Context(), s.pendingToken(r), q.Get("method"), q.Get("next"), q.Get("sent") != "")
	if errors.Is(err, errPending) {
		return s.startOver(w, r)
	}
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/mfa", web.View{Title: "Second step", Data: data})
}

// startOver leads back to the first step. Whoever is signed in, in another tab,
// is led on by the page there.
func (s *System) startOver(w http.ResponseWriter, r *http.Request) error {
	s.setCookie(w, pendingCookie, "", 0)
	return web.SeeOther(w, r, "/-/login?notice=mfa")
}

type mfaInput struct {
	Method string `json:"method"`
	Code   string `json:"code"`
	Trust  bool   `json:"trust,omitempty"`
	Next   string `json:"next,omitempty"`
}

func (s *System) mfaForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[mfaInput](r)
	if err != nil {
		return err
	}
	t, n := s.pendingToken(r), newSessionFor(r, s.Secure)
	e, err := s.finish(r.Context(), t, n, secondStep{in.Method, in.Code}, in.Trust)
	if errors.Is(err, errPending) {
		return s.startOver(w, r)
	}
	if err != nil {
		data, failed := s.mfaData(r.Context(), t, in.Method, in.Next, in.Method == string(smsFactor))
		if failed != nil {
			return err
		}
		return s.again(w, r, "auth/mfa", web.View{Title: "Second step", Data: data}, nil, err)
	}
	s.setCookie(w, pendingCookie, "", 0)
	return s.arrive(w, r, n, e, in.Next)
}

type mfaTextInput struct {
	Next string `json:"next,omitempty"`
}

func (s *System) mfaTextForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[mfaTextInput](r)
	if err != nil {
		return err
	}
	t := s.pendingToken(r)
	err = s.textPending(r.Context(), t, browserSession)
	if errors.Is(err, errPending) {
		return s.startOver(w, r)
	}
	if err != nil {
		data, failed := s.mfaData(r.Context(), t, string(smsFactor), in.Next, false)
		if failed != nil {
			return err
		}
		return s.again(w, r, "auth/mfa", web.View{Title: "Second step", Data: data}, nil, err)
	}
	return web.SeeOther(w, r, "/-/login/mfa?"+url.Values{"method": {string(smsFactor)}, "next": {web.LocalPath(in.Next, "/")}, "sent": {"1"}}.Encode())
}

// textPending texts a code for a sign-in that waits.
func (s *System) textPending(ctx context.Context, t token, kind sessionKind) error {
	if s.Texts == nil {
		return errNoTexts
	}
	code := newSentCode()
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		p, err := s.waiting(tx, t, kind)
		if err != nil {
			return err
		}
		f, err := phoneOf(tx, p.user.id)
		if isNotFound(err) {
			return errNoTexts
		}
		if err != nil {
			return err
		}
		return s.sendText(tx, f, "sign-in "+string(t), code)
	})
}

// errNoTexts is for whoever has no phone set up, or where no texts are sent.
var errNoTexts = web.Invalid(web.Field{Field: "method", Code: "unavailable", Message: "No text can be sent to you here."})

// mfaRequired is the answer of the API to a sign-in that waits for a second step.
type mfaRequired struct {
	Required bool     `json:"mfa_required"`
	Token    string   `json:"mfa_token"`
	Methods  []string `json:"methods"` // totp, sms, recovery
}

type mfaAPIInput struct {
	Token  string `json:"mfa_token" doc:"From the answer to signing in"`
	Method string `json:"method" doc:"totp, sms or recovery"`
	Code   string `json:"code" doc:"What the app shows, the text said, or a recovery code"`
}

func (s *System) mfaAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[mfaAPIInput](r)
	if err != nil {
		return err
	}
	n := newSessionFor(r, s.Secure)
	n.kind, n.token = apiSession, ""
	e, err := s.finish(r.Context(), token(in.Token), n, secondStep{in.Method, in.Code}, false)
	if err != nil {
		return err
	}
	return s.handTokens(w, r, n, e)
}

type mfaTextAPIInput struct {
	Token string `json:"mfa_token" doc:"From the answer to signing in"`
}

func (s *System) mfaTextAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[mfaTextAPIInput](r)
	if err != nil {
		return err
	}
	return noContent(w, s.textPending(r.Context(), token(in.Token), apiSession))
}
