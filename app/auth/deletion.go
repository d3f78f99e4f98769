package auth

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// deletionGrace is for how long an account that is to be deleted can be kept.
const deletionGrace = 14 * 24 * time.Hour

// The states of an account on its way out.
const (
	statusDeleting = "deleting" // may be kept until auth_user.delete_at
	statusErasing  = "erasing"  // what belongs to it is going; there is no way back
	statusDeleted  = "deleted"  // an id is all that is left
)

// mayEnter reports whether a sign-in of this user is more than refused: an account
// that is to be deleted can be kept.
func (u user) mayEnter() bool { return u.status == "active" || u.status == statusDeleting }

// deletionRoutes are the end of an account, and the way back.
func (s *System) deletionRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/account/data", Access: web.Person, Handler: s.dataPage},
		{Method: "POST", Pattern: "/-/account/delete", Access: web.Person, Fresh: true, Handler: s.deleteForm, Limit: web.PerMinute(10), Audit: actions(actDeletionAsked)},
		{Method: "DELETE", Pattern: "/-/api/v1/me", Access: web.Person, Fresh: true, Handler: s.deleteAPI, Limit: web.PerMinute(10), Audit: actions(actDeletionAsked),
			Doc: web.Doc{Summary: "Delete your account, in 14 days; it signs you out everywhere", Out: deletionScheduled{}, Status: http.StatusAccepted}},

		{Method: "GET", Pattern: "/-/account/keep", Access: web.Public, Handler: s.keepPage, Limit: web.PerMinute(30)},
		{Method: "POST", Pattern: "/-/account/keep", Access: web.Public, Handler: s.keepForm, Limit: web.PerMinute(30), Audit: actions(actKept)},
		{Method: "POST", Pattern: "/-/api/v1/me/keep", Access: web.Public, Handler: s.keepAPI, Limit: web.PerMinute(30), Audit: actions(actKept),
			Doc: web.Doc{Summary: "Keep an account that is to be deleted, with the keep_token of a sign-in", In: keepInput{}, Status: http.StatusNoContent}},
	}
}

// deletionScheduled is the answer to a deletion, and to a sign-in until it is done.
type deletionScheduled struct {
	Scheduled bool      `json:"deletion_scheduled"`
	DeleteAt  time.Time `json:"delete_at"`
	KeepToken string    `json:"keep_token,omitempty"` // for /-/api/v1/me/keep, after a sign-in
}

// obstacles are what keeps an account from being deleted, and what goes with it.
type obstacles struct {
	LastOperator bool
	Owned        []Membership // orgs with other members that would be left without an owner
	Alone        []Membership // orgs without other members, which are deleted too
}

func (o obstacles) err() error {
	if o.LastOperator {
		return &web.Error{Status: http.StatusConflict, Code: "last_operator",
			Public: "You are the only operator. Make somebody else one first: without an operator nobody can run this installation."}
	}
	if len(o.Owned) > 0 {
		names := make([]string, len(o.Owned))
		for i, m := range o.Owned {
			names[i] = m.Name
		}
		return &web.Error{Status: http.StatusConflict, Code: "last_owner",
			Public: "You are the only owner of organizations that others belong to. Make somebody else an owner first: " + strings.Join(names, ", ") + "."}
	}
	return nil
}

func obstaclesOf(tx *store.Tx, userID string) (o obstacles, err error) {
	if o.LastOperator, err = lastOperator(tx, userID); err != nil {
		return o, err
	}
	if o.Owned, err = ownedAlone(tx, userID); err != nil {
		return o, err
	}
	o.Alone, err = aloneIn(tx, userID)
	return o, err
}

// scheduleDeletion signs a user out everywhere, ends the keys of the whole instance
// that he made, and has the account erased when the time to think again is over. It
// returns when that is.
func (s *System) scheduleDeletion(ctx context.Context) (at time.Time, err error) {
	id, t := web.IdentityOf(ctx), newToken()
	return store.Write(ctx, s.DB, func(tx *store.Tx) (time.Time, error) {
		at := tx.Now().Add(deletionGrace).Truncate(time.Millisecond)
		u, err := userByID(tx, id.User)
		if err != nil {
			return at, err
		}
		if u.status != "active" {
			return at, store.ErrConflict // two at once: the other one did it
		}
		o, err := obstaclesOf(tx, u.id)
		if err != nil {
			return at, err
		}
		if err := o.err(); err != nil {
			return at, err
		}
		if err := scheduleErasure(tx, u.id, at); err != nil {
			return at, err
		}
		if _, err := queue.Enqueue(tx, EraseAccount{User: u.id}, queue.At(at)); err != nil {
			return at, err
		}
		if _, err := s.revokeAll(tx, u.id, "the account is to be deleted"); err != nil {
			return at, err
		}
		if err := s.EndInstanceKeys(tx, u.id); err != nil {
			return at, err
		}
		if err := s.tellDeletion(tx, u, at, t); err != nil {
			return at, err
		}
		return at, s.Audit.Record(tx, audit.Event{Action: actDeletionAsked, Targets: []audit.Ref{audit.User(u.id)},
			Changes: map[string]audit.Change{"status": {From: u.status, To: statusDeleting}}, Details: map[string]any{"delete_at": at.UnixMilli()}})
	})
}

func (s *System) tellDeletion(tx *store.Tx, u user, at time.Time, t token) error {
	if err := issue(tx, t, oneTime{purpose: forKeep, user: u.id}); err != nil {
		return err
	}
	_, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/deletion_scheduled", User: u.id,
		Vars: map[string]string{"Name": u.name, "Date": at.Format("2 Jan 2006"), "URL": s.URL + "/-/account/keep?token=" + string(t)}})
	return err
}

type deleteInput struct {
	Confirm string `json:"confirm"` // the person's address
}

func (s *System) deleteForm(w http.ResponseWriter, r *http.Request) error {
	if web.OriginOf(r.Context()).Bearer {
		return web.ErrPersonOnly // it ends the browser's session, and a program has none
	}
	in, err := web.Decode[deleteInput](r)
	if err != nil {
		return err
	}
	id := web.IdentityOf(r.Context())
	var c web.Check
	c.Fault(strings.EqualFold(strings.TrimSpace(in.Confirm), id.Email), "confirm", "confirm", "Type your address, "+id.Email+", to delete your account.")
	if err = c.Err(); err != nil {
		return s.dataAgain(w, r, err)
	}
	at, err := s.scheduleDeletion(r.Context())
	if err != nil {
		return s.dataAgain(w, r, err)
	}
	s.sessions.WriteSessionCookie(r.Context(), w, "", time.Time{})
	return s.Pages.Render(w, r, "auth/notice", web.View{Title: "Your account will be deleted", Data: notice{Kind: "info",
		Heading: "Your account will be deleted",
		Body: []string{fmt.Sprintf("On %s everything we hold on you is erased. You are signed out everywhere.", at.Format("2 Jan 2006")),
			"Until then you can change your mind: sign in, or open the link we sent you."}, Action: "Done", Path: "/"}})
}

func (s *System) deleteAPI(w http.ResponseWriter, r *http.Request) error {
	at, err := s.scheduleDeletion(r.Context())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, deletionScheduled{Scheduled: true, DeleteAt: at})
}
