package auth

import (
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

type emailConfirmData struct {
	Token, Email, Name, Device string
	Asked                      time.Time
	Mine                       bool
}

// emailConfirmPage shows what would be changed and asks. Opening the link changes
// nothing: mail scanners open links too.
func (s *System) emailConfirmPage(w http.ResponseWriter, r *http.Request) error {
	t := token(r.URL.Query().Get("token"))
	data, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (emailConfirmData, error) {
		o, err := peek(tx, t, forEmailChange)
		if err != nil {
			return emailConfirmData{}, err
		}
		u, err := userByID(tx, o.user)
		return emailConfirmData{Token: string(t), Email: o.payload["email"], Name: u.name, Device: o.payload["device"], Asked: o.created,
			Mine: u.id == web.IdentityOf(r.Context()).User}, err
	})
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/emailconfirm", web.View{Title: "Confirm your new address", Data: data})
}

func (s *System) emailConfirmForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[verifyInput](r)
	if err != nil {
		return err
	}
	switch in.Act {
	case "confirm":
		return s.confirmEmail(w, r, token(in.Token))
	case "deny":
		return s.denyEmail(w, r, token(in.Token))
	}
	return web.BadRequest("bad_field", "Choose whether to confirm the address.")
}

func (s *System) confirmEmail(w http.ResponseWriter, r *http.Request, t token) error {
	undo := newToken()
	u, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (user, error) {
		o, err := consume(tx, t, forEmailChange)
		if err != nil {
			return user{}, err
		}
		u, err := userByID(tx, o.user)
		if err != nil {
			return u, err
		}
		// What was asked for under another address than today's is no longer meant.
		if u.status != "active" || o.payload["from"] != u.email.norm {
			return u, errLink
		}
		return s.changeEmail(tx, u, address{typed: o.payload["email"], norm: o.payload["norm"]}, o.payload["device"], undo)
	})
	if err != nil {
		return err
	}
	data := notice{Kind: "ok", Heading: "Your address is changed", Body: []string{u.email.typed + " is your address here from now on. Sign in with it."},
		Action: "Continue", Path: "/-/account"}
	if web.IdentityOf(r.Context()).User != u.id {
		data.Action, data.Path = "Sign in", "/-/login"
	}
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: data.Heading, Data: data})
}

// changeEmail gives a user the new address and tells the old one, with a way to
// undo it. An old address that was never verified is told nothing: a link there
// would hand the account to whoever owns what may have been a slip of the keys.
func (s *System) changeEmail(tx *store.Tx, u user, to address, device string, undo token) (user, error) {
	before := u
	u, err := s.replaceAddress(tx, u, to)
	if err != nil {
		return u, err
	}
	if before.verified {
		if err := issue(tx, undo, oneTime{purpose: forEmailUndo, user: u.id,
			payload: map[string]string{"email": before.email.typed, "norm": before.email.norm}}); err != nil {
			return u, err
		}
		if _, err := s.Mail.Send(tx, email.Message{To: before.email.typed, Template: "auth/email_changed", User: u.id, Vars: map[string]string{
			"Name": u.name, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"), "Masked": to.masked(), "Device": device,
			"URL": s.URL + "/-/account/email/undo?token=" + string(undo)}}); err != nil {
			return u, err
		}
	}
	return u, s.Audit.Record(tx, audit.Event{Action: actEmailChanged, Actor: actorOr(tx, u.id), Targets: []audit.Ref{audit.User(u.id)},
		Subject: audit.User(u.id), Personal: map[string]string{"email": to.typed, "email_before": before.email.typed}})
}

// replaceAddress makes an address that was just proved a user's own, in place of
// the one there was. What had been sent to that one no longer works.
func (s *System) replaceAddress(tx *store.Tx, u user, to address) (user, error) {
	if holder, err := owner(tx, to.norm); err == nil && holder.id != u.id {
		return u, errEmailTaken
	} else if err != nil && !isNotFound(err) {
		return u, err
	}
	if err := setAddress(tx, u.id, to); err != nil {
		return u, err
	}
	u.email, u.verified = to, true
	if err := s.claimAddress(tx, u); err != nil {
		return u, err
	}
	for _, p := range append([]purpose{forEmailChange}, mailed...) {
		if err := voidTokens(tx, u.id, p); err != nil {
			return u, err
		}
	}
	return u, nil
}

// denyEmail is "this was not me" of whoever owns the new address.
func (s *System) denyEmail(w http.ResponseWriter, r *http.Request, t token) error {
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		o, err := consume(tx, t, forEmailChange)
		if err != nil {
			return err
		}
		return s.emailDropped(tx, o.user, address{typed: o.payload["email"]})
	})
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: "Thank you", Data: notice{Kind: "ok", Heading: "Your address is not used",
		Body: []string{"The link no longer works. Nobody can use your address at this site without a link that is sent to it."}}})
}
