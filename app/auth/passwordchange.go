package auth

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/auth/guess"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// passwordRoutes are where somebody who is signed in sets a new password.
func (s *System) passwordRoutes() []web.Route {
	return []web.Route{
		{Method: "POST", Pattern: "/-/account/password", Access: web.Person, Handler: s.passwordForm, Limit: web.PerMinute(10), Audit: actions(actPasswordChanged)},
		{Method: "PUT", Pattern: "/-/api/v1/password", Access: web.Person, Handler: s.passwordAPI, Limit: web.PerMinute(10), Audit: actions(actPasswordChanged),
			Doc: web.Doc{Summary: "Set a new password; every other session ends, and this one's access tokens do: refresh them", In: passwordInput{}, Status: http.StatusNoContent}},
	}
}

type passwordInput struct {
	Current string `json:"current_password" doc:"The one until now"`
	New     string `json:"password" doc:"The new one"`
}

// errCurrent is no 401: who asks is known, and stays signed in.
var errCurrent = web.Invalid(web.Field{Field: "current_password", Code: "credentials", Message: "This is not your password."})

// changePassword sets a new password for whoever asks. The present one is the
// proof; where there is none, having shown lately who one is.
func (s *System) changePassword(ctx context.Context, in passwordInput, renewed token) error {
	id := web.IdentityOf(ctx)
	if id.Impersonator != "" {
		return errImpersonating
	}
	u, err := store.Read(ctx, s.DB, func(tx *store.Tx) (user, error) { return userByID(tx, id.User) })
	if err != nil {
		return err
	}
	if err := s.proveFor(ctx, u, in.Current); err != nil {
		return err
	}
	var c web.Check
	s.checkNewPassword(ctx, &c, in.New, u.name, u.email.typed)
	c.Fault(in.New == "" || in.New != in.Current, "password", "same", "This is the password you have.")
	if err := c.Err(); err != nil {
		return err
	}
	phc, err := s.Hasher.Hash(ctx, in.New)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return s.replacePassword(tx, u, phc, renewed) })
}

// proveFor demands the present password, or for an account without one a fresh proof.
func (s *System) proveFor(ctx context.Context, u user, password string) error {
	if u.phc == "" {
		return s.Confirmed(ctx, web.IdentityOf(ctx))
	}
	if wait, ok := s.Limiter.Allow("confirm "+u.id, perAccount); !ok {
		return web.TooMany(wait)
	}
	match := false
	if guess.Fits(password) {
		var err error
		if match, err = s.Hasher.Verify(ctx, u.phc, password); err != nil {
			return err
		}
	}
	if match {
		return nil
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) error {
		return s.Audit.Record(tx, audit.Event{Action: actConfirmRefused, Details: map[string]any{"method": byPassword.method},
			Targets: []audit.Ref{{Type: "session", ID: web.IdentityOf(ctx).Session}, audit.User(u.id)}})
	}); err != nil {
		return err
	}
	return errCurrent
}

// replacePassword sets the password, unless it changed meanwhile, and ends all
// that began with the old one, but the session that asks: that goes on in the new
// epoch, under a new cookie if it has one.
func (s *System) replacePassword(tx *store.Tx, before user, phc string, renewed token) error {
	id := web.IdentityOf(tx.Context())
	u, err := userByID(tx, before.id)
	if err != nil {
		return err
	}
	if u.status != "active" || u.phc != before.phc {
		return errCurrent
	}
	if err := setPassword(tx, u.id, phc); err != nil {
		return err
	}
	if _, err := s.revokeOthers(tx, u.id, id.Session, "password changed"); err != nil {
		return err
	}
	if err := s.voidProofs(tx, u.id); err != nil {
		return err
	}
	if err := raiseEpoch(tx, u.id); err != nil {
		return err
	}
	if err := renewSession(tx, u.id, id.Session, renewed.hash()); err != nil {
		return err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actPasswordChanged, Targets: []audit.Ref{audit.User(u.id)}}); err != nil {
		return err
	}
	return s.tellPasswordChanged(tx, u, "Every other device was signed out.")
}

// tellPasswordChanged mails what happened to a password; ended says to which sessions.
func (s *System) tellPasswordChanged(tx *store.Tx, u user, ended string) error {
	_, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/password_changed", User: u.id, Vars: map[string]string{
		"Name": u.name, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"), "Ended": ended,
		"Device": deviceLabel(web.OriginOf(tx.Context()).UserAgent), "URL": s.URL + "/-/forgot"}})
	return err
}

// voidProofs uses up what was mailed to a user and opens his account.
func (s *System) voidProofs(tx *store.Tx, userID string) error {
	if err := voidTokens(tx, userID, forReset); err != nil {
		return err
	}
	return voidSignIns(tx, userID)
}

func (s *System) passwordForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[passwordInput](r)
	if err != nil {
		return err
	}
	renewed := newToken()
	if err := s.changePassword(r.Context(), in, renewed); err != nil {
		if web.AsError(err).Instead != "" {
			return err
		}
		data, failed := s.securityData(r)
		if failed != nil {
			return failed
		}
		return s.again(w, r, "auth/security", web.View{Title: "Security", Data: data}, nil, err)
	}
	s.renewCookie(w, r, renewed)
	return web.SeeOther(w, r, "/-/account/security?done=password")
}

func (s *System) passwordAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[passwordInput](r)
	if err != nil {
		return err
	}
	renewed := newToken()
	if err := s.changePassword(r.Context(), in, renewed); err != nil {
		return err
	}
	s.renewCookie(w, r, renewed)
	return noContent(w, nil)
}

// renewCookie hands the session's new cookie to the browser that holds it.
func (s *System) renewCookie(w http.ResponseWriter, r *http.Request, t token) {
	if !web.OriginOf(r.Context()).Bearer {
		s.sessions.WriteSessionCookie(r.Context(), w, string(t), s.DB.Now().Add(absoluteLife))
	}
}
