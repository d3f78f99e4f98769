package auth

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// errMailedCode is the one answer to a code that opens nothing: wrong, used, too old,
// tried too often, or for an address that has no account.
var errMailedCode = web.Invalid(web.Field{Field: "code", Code: "code", Message: "This code is not right, or no longer works. Ask for a new one if need be."})

// signInByCode starts a session, if the code is the one that was mailed for the
// attempt. Each try is counted and recorded, whether the address is known or not.
func (s *System) signInByCode(ctx context.Context, attempt token, text string, n newSession) (entry, error) {
	code := plainCode(text)
	if !digitsOnly(code, codeDigits) {
		return entry{}, errMailedCode
	}
	o, err := store.Read(ctx, s.DB, func(tx *store.Tx) (oneTime, error) { return readOneTime(attemptByHash(tx, attempt.hash())) })
	if errors.Is(err, errLink) {
		return entry{}, errMailedCode
	}
	if err != nil {
		return entry{}, err
	}
	if wait, ok := s.Limiter.Allow("email code "+o.payload["email"], perMailedCode); !ok {
		return entry{}, web.TooMany(wait)
	}
	mac := s.codeMAC("sign-in "+hex.EncodeToString(attempt.hash()), code)
	e, err := store.Write(ctx, s.DB, func(tx *store.Tx) (entry, error) {
		now, err := readOneTime(try(tx, attempt.hash(), forEmailCode, codeTries))
		if err != nil && !errors.Is(err, errLink) {
			return entry{}, err
		}
		if subtle.ConstantTimeCompare([]byte(now.payload["mac"]), []byte(mac)) != 1 {
			return entry{}, s.refuseCode(tx, o.payload["typed"], now.user)
		}
		if now, err = consume(tx, attempt, forEmailCode); err != nil {
			return entry{}, err
		}
		return s.enterByMail(tx, now, n, byEmailCode)
	})
	if errors.Is(err, errLink) || err == nil && e.nowhere() {
		err = errMailedCode
	}
	if err == nil {
		s.throttle.succeeded(s.DB.Now(), o.payload["email"], web.OriginOf(ctx).Addr)
	}
	return e, err
}

func (s *System) refuseCode(tx *store.Tx, typed, userID string) error {
	e := audit.Event{Action: actSignInRefused, Details: map[string]any{"method": byEmailCode.method}, Personal: map[string]string{"email": typed}}
	if userID != "" {
		e.Targets, e.Subject = []audit.Ref{audit.User(userID)}, audit.User(userID)
	}
	return s.Audit.Record(tx, e)
}

// codeData is the page that waits for a code.
type codeData struct{ Email, Masked, Next string }

// awaited is what the browser waits for, ErrNotFound for nothing.
func (s *System) awaited(r *http.Request, next string) (codeData, error) {
	attempt := s.attemptOf(r)
	if attempt == "" {
		return codeData{}, store.ErrNotFound
	}
	o, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (oneTime, error) { return readOneTime(attemptByHash(tx, attempt.hash())) })
	if errors.Is(err, errLink) {
		err = store.ErrNotFound
	}
	return codeData{Email: o.payload["typed"], Masked: address{typed: o.payload["typed"]}.masked(), Next: web.LocalPath(next, "")}, err
}

func (s *System) codePage(w http.ResponseWriter, r *http.Request) error {
	data, err := s.awaited(r, r.URL.Query().Get("next"))
	if isNotFound(err) {
		return web.SeeOther(w, r, "/-/login/email")
	}
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/emailcode", web.View{Title: "Check your mail", Data: data})
}

type codeInput struct {
	Code string `json:"code"`
	Next string `json:"next,omitempty"`
}

func (s *System) codeForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[codeInput](r)
	if err != nil {
		return err
	}
	data, err := s.awaited(r, in.Next)
	if isNotFound(err) {
		return web.SeeOther(w, r, "/-/login/email")
	}
	if err != nil {
		return err
	}
	n := newSessionFor(r, s.Secure)
	e, err := s.signInByCode(r.Context(), s.attemptOf(r), in.Code, n)
	if err != nil {
		return s.again(w, r, "auth/emailcode", web.View{Title: "Check your mail", Data: data}, nil, err)
	}
	s.setCookie(w, attemptCookie, "", 0)
	return s.arrive(w, r, n, e, in.Next)
}

type emailLoginAPI struct {
	Email string `json:"email" doc:"Where the link and the code are sent"`
}

// emailLoginAnswer is what a program keeps until its user has typed the code.
type emailLoginAnswer struct {
	Token   string `json:"login_token"`
	Expires int    `json:"expires_in"` // seconds
}

func (s *System) emailAskAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[emailLoginAPI](r)
	if err != nil {
		return err
	}
	attempt, err := s.askSignIn(r.Context(), in.Email, "")
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, emailLoginAnswer{Token: string(attempt), Expires: int(life[forEmailCode].Seconds())})
}

type codeInputAPI struct {
	Token string `json:"login_token" doc:"From the answer of the request for the mail"`
	Code  string `json:"code" doc:"Six digits from the mail"`
}

func (s *System) emailCodeAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[codeInputAPI](r)
	if err != nil {
		return err
	}
	n := newSessionFor(r, s.Secure)
	n.kind, n.token = apiSession, ""
	e, err := s.signInByCode(r.Context(), token(in.Token), in.Code, n)
	if err != nil {
		return err
	}
	return s.handTokens(w, r, n, e)
}
