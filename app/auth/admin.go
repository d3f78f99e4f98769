package auth

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// What cannot be done to a user as he is.
var (
	errInactive = &web.Error{Status: http.StatusConflict, Code: "inactive", Public: "This account is not active."}
	errNotSelf  = &web.Error{Status: http.StatusConflict, Code: "yourself", Public: "You cannot do this to yourself."}
	errLastOne  = &web.Error{Status: http.StatusConflict, Code: "last_operator",
		Public: "This is the last operator who can sign in. Make another one first."}
	errTaken = &web.Error{Status: http.StatusConflict, Code: "address_taken",
		Public: "Somebody else has verified this address, so it cannot be this user's."}
)

// onUser runs an act on a user in a transaction, for somebody who may manage
// users now and who has all that the user has in the whole instance: nobody
// reaches up by the power over accounts.
func (s *System) onUser(ctx context.Context, id string, act func(tx *store.Tx, u user) error) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		u, err := userByID(tx, id)
		if err != nil {
			return err
		}
		if err := mayManage(tx, u.id); err != nil {
			return err
		}
		return act(tx, u)
	})
}

func mayManage(tx *store.Tx, userID string) error {
	if onMachine(tx.Context()) {
		return nil
	}
	id := web.IdentityOf(tx.Context())
	if id.Impersonator != "" {
		return errImpersonating
	}
	has, _, err := held(tx, id, "")
	if err != nil {
		return err
	}
	if !can(has, permUsersManage) {
		return web.Forbidden(permUsersManage)
	}
	return within(tx, has, userID)
}

// VerifyAddress verifies a user's address by hand, as if he had followed the link.
func (s *System) VerifyAddress(ctx context.Context, id string) error {
	return s.onUser(ctx, id, func(tx *store.Tx, u user) error {
		if u.status != "active" {
			return errInactive
		}
		if u.verified {
			return nil
		}
		if holder, err := owner(tx, u.email.norm); err == nil && holder.id != u.id {
			return errTaken
		} else if err != nil && !isNotFound(err) {
			return err
		}
		return s.verified(tx, u)
	})
}

// SendResetLink mails a user the link to choose a new password. Whoever asks
// never sees it.
func (s *System) SendResetLink(ctx context.Context, id string) error {
	t := newToken()
	return s.onUser(ctx, id, func(tx *store.Tx, u user) error {
		if u.status != "active" {
			return errInactive
		}
		if err := s.mailReset(tx, u, t); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actResetAsked, Targets: []audit.Ref{audit.User(u.id)}, Subject: audit.User(u.id),
			Personal: map[string]string{"email": u.email.typed}})
	})
}

// EndSessions ends one session of a user, or all for "", and returns how many.
// One that has ended is store.ErrNotFound.
func (s *System) EndSessions(ctx context.Context, id, session string) (n int, err error) {
	const reason = "signed out by an operator"
	err = s.onUser(ctx, id, func(tx *store.Tx, u user) (err error) {
		if session == "" {
			n, err = s.revokeAll(tx, u.id, reason)
			return err
		}
		ended, err := s.revoke(tx, u.id, session, reason)
		if err == nil && !ended {
			err = store.ErrNotFound
		}
		n = 1
		return err
	})
	return n, err
}

// Suspend keeps a user out: the sessions end, links and codes are void, and so are
// the keys of the whole instance that the user made and what he has invited to, by
// which he could come back with another mailbox.
func (s *System) Suspend(ctx context.Context, id, reason string) error {
	var c web.Check
	reason = checkReason(&c, reason)
	if err := c.Err(); err != nil {
		return err
	}
	return s.onUser(ctx, id, func(tx *store.Tx, u user) error {
		switch {
		case u.status != "active":
			return errInactive
		case u.id == web.IdentityOf(ctx).User:
			return errNotSelf
		}
		if err := keepOperator(tx, u.id); err != nil {
			return err
		}
		if err := setStatus(tx, u.id, "disabled"); err != nil {
			return err
		}
		if _, err := s.revokeAll(tx, u.id, "the account was suspended"); err != nil {
			return err
		}
		if _, err := voidAllTokens(tx, u.id); err != nil {
			return err
		}
		if err := s.EndInstanceKeys(tx, u.id); err != nil {
			return err
		}
		if err := s.endAllInvitationsBy(tx, u.id); err != nil {
			return err
		}
		return s.statusChanged(tx, u, actSuspended, "disabled", reason, "auth/suspended", s.URL+"/")
	})
}

// Reactivate lets a suspended user in again. The sessions and keys stay ended.
func (s *System) Reactivate(ctx context.Context, id, reason string) error {
	var c web.Check
	reason = checkReason(&c, reason)
	if err := c.Err(); err != nil {
		return err
	}
	return s.onUser(ctx, id, func(tx *store.Tx, u user) error {
		if u.status != "disabled" {
			return &web.Error{Status: http.StatusConflict, Code: "not_suspended", Public: "This account is not suspended."}
		}
		if err := setStatus(tx, u.id, "active"); err != nil {
			return err
		}
		return s.statusChanged(tx, u, actReactivated, "active", reason, "auth/reactivated", s.URL+"/-/login")
	})
}

// statusChanged records a new status, and tells the user if the address is
// known to be the user's: it may be somebody else's otherwise.
func (s *System) statusChanged(tx *store.Tx, u user, act audit.Action, to, reason, template, url string) error {
	if err := s.Audit.Record(tx, audit.Event{Action: act, Targets: []audit.Ref{audit.User(u.id)},
		Changes: map[string]audit.Change{"status": {From: u.status, To: to}}, Details: map[string]any{"reason": reason}}); err != nil || !u.verified {
		return err
	}
	_, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: template, User: u.id, Vars: map[string]string{
		"Name": u.name, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"), "URL": url}})
	return err
}

// ResetFactors takes away what a user needs besides the password to sign in.
func (s *System) ResetFactors(ctx context.Context, id, reason string) error {
	var c web.Check
	reason = checkReason(&c, reason)
	if err := c.Err(); err != nil {
		return err
	}
	return s.onUser(ctx, id, func(tx *store.Tx, u user) error { return s.resetFactors(tx, u.id, reason) })
}
