package auth

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// errEmailTaken tells whoever followed the link to the new address, and so has
// that mailbox, that another account has verified the address meanwhile.
var errEmailTaken = &web.Error{Status: http.StatusConflict, Code: "email_taken",
	Public: "Another account has this address by now, so nothing was changed. Sign in with the address to get to it."}

type emailInput struct {
	Email string `json:"email" doc:"The new address; a link there confirms it"`
}

// pendingJSON is a change of address that waits for its link.
type pendingJSON struct {
	Pending string `json:"pending_email"`
}

// askEmail sends a link to the address that whoever asks wants to have. Whether
// somebody else has it is told to that person alone, by mail: the answer is the
// same, and the change waits in vain.
func (s *System) askEmail(ctx context.Context, text string) (address, error) {
	var c web.Check
	to := checkAddress(&c, "email", text)
	if err := c.Err(); err != nil {
		return to, err
	}
	if err := s.mayMailTo(to); err != nil {
		return to, err
	}
	id, t := web.IdentityOf(ctx), newToken()
	return to, s.DB.Write(ctx, func(tx *store.Tx) error {
		u, err := userByID(tx, id.User)
		if err != nil {
			return err
		}
		if u.email.norm == to.norm {
			return web.Invalid(web.Field{Field: "email", Code: "same", Message: "This is your address already."})
		}
		return s.offerEmail(tx, u, to, t)
	})
}

// offerEmail issues the link of a change, in place of any earlier one.
func (s *System) offerEmail(tx *store.Tx, u user, to address, t token) error {
	if err := voidTokens(tx, u.id, forEmailChange); err != nil {
		return err
	}
	if err := issue(tx, t, oneTime{purpose: forEmailChange, user: u.id, payload: map[string]string{"email": to.typed, "norm": to.norm,
		"from": u.email.norm, "device": deviceLabel(web.OriginOf(tx.Context()).UserAgent)}}); err != nil {
		return err
	}
	m := email.Message{To: to.typed, Template: "auth/email_change", User: u.id,
		Vars: map[string]string{"Name": u.name, "URL": s.URL + "/-/account/email/confirm?token=" + string(t)}}
	holder, err := owner(tx, to.norm)
	if err == nil {
		m = email.Message{To: holder.email.typed, Template: "auth/email_taken", User: holder.id,
			Vars: map[string]string{"Name": holder.name, "URL": s.URL + "/-/login"}}
	} else if !isNotFound(err) {
		return err
	}
	if _, err := s.Mail.Send(tx, m); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actEmailAsked, Targets: []audit.Ref{audit.User(u.id)}, Subject: audit.User(u.id),
		Personal: map[string]string{"email": u.email.typed, "email_new": to.typed}})
}

func (s *System) emailForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[emailInput](r)
	if err != nil {
		return err
	}
	to, err := s.askEmail(r.Context(), in.Email)
	if err != nil {
		return s.accountAgain(w, r, map[string]string{"email": in.Email}, err)
	}
	return s.emailAsked(w, r, to)
}

// emailAsked says where the link went.
func (s *System) emailAsked(w http.ResponseWriter, r *http.Request, to address) error {
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: "Check your mail", Data: notice{Kind: "info", Heading: "Check your mail",
		Body: []string{"We sent a link to " + to.masked() + ". Open it to make that your address here. It works for 24 hours.",
			"Until then your address stays as it is."},
		Action: "Back to your account", Path: "/-/account", ResendPath: "/-/account/email/resend", ResendEmail: to.typed}})
}

func (s *System) emailAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[emailInput](r)
	if err != nil {
		return err
	}
	to, err := s.askEmail(r.Context(), in.Email)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, pendingJSON{Pending: to.typed})
}

// emailResendForm sends the link of a change that waits once more, to the address
// it was asked for.
func (s *System) emailResendForm(w http.ResponseWriter, r *http.Request) error {
	if _, err := web.Decode[resendInput](r); err != nil {
		return err
	}
	to, err := s.offerAgain(r.Context())
	if isNotFound(err) {
		return web.SeeOther(w, r, "/-/account") // done, given up or too old meanwhile
	}
	if err != nil {
		return err
	}
	return s.emailAsked(w, r, to)
}

// offerAgain mails the link of the change that waits once more, in place of the
// earlier one; it is store.ErrNotFound if none waits.
func (s *System) offerAgain(ctx context.Context) (address, error) {
	id, t := web.IdentityOf(ctx), newToken()
	if id.Impersonator != "" {
		return address{}, errImpersonating
	}
	to, err := store.Read(ctx, s.DB, func(tx *store.Tx) (address, error) { return pendingEmail(tx, id.User) })
	if err == nil {
		err = s.mayMailTo(to)
	}
	if err != nil {
		return to, err
	}
	return to, s.DB.Write(ctx, func(tx *store.Tx) error {
		if now, err := pendingEmail(tx, id.User); err != nil || now != to {
			return firstError(err, store.ErrNotFound) // another was asked for meanwhile
		}
		u, err := userByID(tx, id.User)
		if err != nil {
			return err
		}
		return s.offerEmail(tx, u, to, t)
	})
}

// dropEmail gives up the change that waits, if there is one.
func (s *System) dropEmail(ctx context.Context) error {
	id := web.IdentityOf(ctx)
	if id.Impersonator != "" {
		return errImpersonating
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		to, err := pendingEmail(tx, id.User)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := voidTokens(tx, id.User, forEmailChange); err != nil {
			return err
		}
		return s.emailDropped(tx, id.User, to)
	})
}

func (s *System) emailDropped(tx *store.Tx, userID string, to address) error {
	return s.Audit.Record(tx, audit.Event{Action: actEmailDropped, Targets: []audit.Ref{audit.User(userID)}, Subject: audit.User(userID),
		Personal: map[string]string{"email_new": to.typed}})
}

func (s *System) emailCancelForm(w http.ResponseWriter, r *http.Request) error {
	if err := s.dropEmail(r.Context()); err != nil {
		return err
	}
	return web.SeeOther(w, r, "/-/account?done=cancelled")
}

func (s *System) emailCancelAPI(w http.ResponseWriter, r *http.Request) error {
	return noContent(w, s.dropEmail(r.Context()))
}
