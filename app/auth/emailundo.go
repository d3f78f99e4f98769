package auth

import (
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

type emailUndoData struct{ Token, Email, Now string }

// emailUndoPage asks whoever owns the earlier address whether the change was theirs.
func (s *System) emailUndoPage(w http.ResponseWriter, r *http.Request) error {
	t := token(r.URL.Query().Get("token"))
	data, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (emailUndoData, error) {
		o, err := peek(tx, t, forEmailUndo)
		if err != nil {
			return emailUndoData{}, err
		}
		u, err := userByID(tx, o.user)
		return emailUndoData{Token: string(t), Email: o.payload["email"], Now: u.email.masked()}, err
	})
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/emailundo", web.View{Title: "Undo the change of address", Data: data})
}

type tokenInput struct {
	Token string `json:"token"`
}

// emailUndoForm brings the earlier address back and leads on to a new password.
func (s *System) emailUndoForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[tokenInput](r)
	if err != nil {
		return err
	}
	reset := newToken()
	if err := s.DB.Write(r.Context(), func(tx *store.Tx) error { return s.undoEmail(tx, token(in.Token), reset) }); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/-/reset?token="+string(reset))
}

// undoEmail takes the account from whoever changed its address: the sessions end,
// the password and what was added meanwhile go, a deletion is called off. A link
// undoes its own change and every later one; that of an earlier change goes on
// working, so that somebody who changes the address twice gains nothing by undoing
// the second.
func (s *System) undoEmail(tx *store.Tx, t, reset token) error {
	o, err := consume(tx, t, forEmailUndo)
	if err != nil {
		return err
	}
	u, err := userByID(tx, o.user)
	if err != nil {
		return err
	}
	if !u.mayEnter() {
		return errLink
	}
	before := u
	if u, err = s.replaceAddress(tx, u, address{typed: o.payload["email"], norm: o.payload["norm"]}); err != nil {
		return err
	}
	if u.status == statusDeleting {
		if err := s.keep(tx, u); err != nil {
			return err
		}
	}
	if err := clearPassword(tx, u.id); err != nil {
		return err
	}
	if err := voidSince(tx, u.id, forEmailUndo, o.created); err != nil {
		return err
	}
	took, err := s.dislodge(tx, u, o.created.Add(-beforeChange))
	if err != nil {
		return err
	}
	if _, err := s.revokeAll(tx, u.id, undone); err != nil {
		return err
	}
	if err := offerReset(tx, u, reset); err != nil {
		return err
	}
	if err := s.tellUndone(tx, u, before, took); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actEmailUndone, Actor: actorOr(tx, u.id), Targets: []audit.Ref{audit.User(u.id)}, Details: took.details(),
		Subject: audit.User(u.id), Personal: map[string]string{"email": u.email.typed, "email_before": before.email.typed}})
}

// tellUndone writes to the address that came back what was taken out, and to the
// other one that the account is not to be had there.
func (s *System) tellUndone(tx *store.Tx, u, before user, took intrusion) error {
	when := tx.Now().Format("2 Jan 2006, 15:04 UTC")
	if _, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/email_restored", User: u.id, Vars: map[string]string{
		"Name": u.name, "When": when, "Removed": took.words(), "URL": s.URL + "/-/forgot"}}); err != nil {
		return err
	}
	_, err := s.Mail.Send(tx, email.Message{To: before.email.typed, Template: "auth/email_undone", User: u.id, Vars: map[string]string{
		"Name": u.name, "When": when, "Masked": u.email.masked(), "URL": s.URL + "/-/forgot"}})
	return err
}
