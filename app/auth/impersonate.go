package auth

import (
	"context"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// An impersonation lasts an hour at most, and half an hour unused.
const (
	actingLife = time.Hour
	actingIdle = 30 * time.Minute
	// ownLife is for how long a browser remembers whose it was before.
	ownLife = 24 * time.Hour
)

// errAbove is the answer to an act on somebody who may do more than whoever asks.
var errAbove = &web.Error{Status: http.StatusForbidden, Code: "above_you",
	Public: "This person may do more in the whole installation than you. Somebody who may do as much has to do it."}

// impersonationInput is why somebody acts as another.
type impersonationInput struct {
	Reason string `json:"reason" doc:"Which the organizations of the user read, 10 to 500 characters"`
	Ticket string `json:"ticket,omitempty" doc:"Of the support system"`
}

func (in *impersonationInput) check() error {
	var c web.Check
	in.Reason = checkReason(&c, in.Reason)
	in.Ticket = c.Text("ticket", in.Ticket, 0, 100)
	return c.Err()
}

// checkReason reads why an operator does something to somebody; it is for the
// audit log, and so has to say something.
func checkReason(c *web.Check, reason string) string { return c.Text("reason", reason, 10, 500) }

// Impersonate has an operator's browser act as a user from now on. It keeps the
// operator's own session aside, to which Stop brings it back.
func (s *System) Impersonate(w http.ResponseWriter, r *http.Request, userID, reason, ticket string) error {
	own, err := r.Cookie(web.CookieName(s.Secure))
	if err != nil || web.OriginOf(r.Context()).Bearer {
		return web.ErrPersonOnly
	}
	t := newToken()
	if _, err := s.impersonate(r.Context(), userID, impersonationInput{reason, ticket}, sessionRow{kind: browserSession, hash: t.hash()}); err != nil {
		return err
	}
	s.sessions.WriteSessionCookie(r.Context(), w, string(t), s.DB.Now().Add(absoluteLife))
	s.setCookie(w, ownCookie, own.Value, ownLife)
	return nil
}

// impersonate starts a session of a user for whoever asks, and returns it.
func (s *System) impersonate(ctx context.Context, userID string, in impersonationInput, row sessionRow) (sessionRow, error) {
	if err := in.check(); err != nil {
		return row, err
	}
	id, o := web.IdentityOf(ctx), web.OriginOf(ctx)
	switch {
	case !id.Person():
		return row, web.ErrPersonOnly
	case id.Impersonator != "":
		return row, errImpersonating
	case id.User == userID:
		return row, web.BadRequest("yourself", "You are this person already.")
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (sessionRow, error) {
		own, err := sessionByID(tx, id.Session)
		if err != nil {
			return row, err
		}
		u, err := userByID(tx, userID)
		if err != nil {
			return row, err
		}
		if u.status != "active" {
			return row, errInactive
		}
		if err := mayImpersonate(tx, id.User, u.id); err != nil {
			return row, err
		}
		if row.org, err = personalOrg(tx, u.id); err != nil {
			return row, err
		}
		now := tx.Now()
		row.id, row.user, row.ip, row.ua = tx.NewID("ses"), u.id, o.Addr.String(), o.UserAgent
		row.now, row.idle, row.abs = now.UnixMilli(), now.Add(actingIdle).UnixMilli(), now.Add(actingLife).UnixMilli()
		if err := insertImpersonation(tx, row, own); err != nil {
			return row, err
		}
		if _, err := queue.Enqueue(tx, EndImpersonation{Session: row.id}, queue.At(now.Add(actingLife))); err != nil {
			return row, err
		}
		details := map[string]any{"reason": in.Reason, "until": row.abs}
		if in.Ticket != "" {
			details["ticket"] = in.Ticket
		}
		return row, s.tellOrgs(tx, u.id, audit.Event{Action: actImpersonated, Details: details,
			Targets: []audit.Ref{audit.User(u.id), {Type: "session", ID: row.id}}})
	})
}

// mayImpersonate demands that somebody may act as others, and that the other is
// no operator and may do nothing in the whole instance that he may not: nobody
// gets a permission by it.
func mayImpersonate(tx *store.Tx, by, as string) error {
	has, err := permissions(tx, by, "")
	if err != nil {
		return err
	}
	if !can(has, permUsersImpersonate) {
		return web.Forbidden(permUsersImpersonate)
	}
	if operator, err := isOperator(tx, as); err != nil || operator {
		return firstError(err, errAbove)
	}
	return within(tx, has, as)
}

// within demands that a user has nothing in the whole instance that is not in has.
func within(tx *store.Tx, has []string, userID string) error {
	theirs, err := permissions(tx, userID, "")
	if err != nil {
		return err
	}
	for _, p := range theirs {
		if !can(has, p) {
			return errAbove
		}
	}
	return nil
}

// standing is a session that is looked up: an impersonation counts only while
// the impersonator's own session does and he may still do it, so that whatever
// ends his own ends it by the next request.
func standing(tx *store.Tx, se *session, err error) (*session, error) {
	if err != nil || se.impersonator == "" {
		return se, err
	}
	now := tx.Now().UnixMilli()
	own, err := scanSession(tx.QueryRow(sessionColumns+`WHERE s.id = ?`+livingSession, se.own, now, now))
	if err != nil {
		return nil, err
	}
	if own.user.id != se.impersonator || own.impersonator != "" {
		return nil, store.ErrNotFound
	}
	if err := mayImpersonate(tx, own.user.id, se.user.id); err != nil {
		if web.AsError(err).Status == http.StatusForbidden {
			err = store.ErrNotFound
		}
		return nil, err
	}
	se.impersonatorName = own.user.name
	return se, nil
}

// idleLife is for how long the session lives on, unused.
func (se *session) idleLife() time.Duration {
	if se.impersonator != "" {
		return actingIdle
	}
	return idleLife
}

// until is when an impersonation ends at the latest; zero for everybody else.
func (se *session) until() time.Time {
	if se.impersonator == "" {
		return time.Time{}
	}
	return time.UnixMilli(se.absExp).UTC()
}

// tellOrgs records an event in the log of each org of a user: whoever answers
// for an org sees who looked at it from outside. A user without any has it once.
func (s *System) tellOrgs(tx *store.Tx, userID string, e audit.Event) error {
	orgs, err := orgsOf(tx, userID)
	if err != nil {
		return err
	}
	if len(orgs) == 0 {
		return s.Audit.Record(tx, e)
	}
	for _, e.Org = range orgs {
		if err := s.Audit.Record(tx, e); err != nil {
			return err
		}
	}
	return nil
}

// impersonationEnded records the end of a session in which somebody acted as its
// user; of any other there is nothing to say.
func (s *System) impersonationEnded(tx *store.Tx, id, reason string, actor audit.Ref) error {
	i, err := impersonationByID(tx, id)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.tellOrgs(tx, i.user, audit.Event{Action: actImpersonationEnded, Actor: actor,
		Targets: []audit.Ref{audit.User(i.user), {Type: "session", ID: id}, audit.User(i.by)},
		Details: map[string]any{"reason": reason, "seconds": tx.Now().Sub(i.started).Milliseconds() / 1000}})
}

// EndImpersonation is the job that ends an impersonation when its hour is over,
// so that the log says so.
type EndImpersonation struct {
	Session string `json:"session"`
}

// Kind implements queue.Args.
func (EndImpersonation) Kind() string { return "auth.end_impersonation" }

func (s *System) endImpersonation(ctx context.Context, job queue.Job[EndImpersonation]) error {
	return job.Complete(ctx, func(tx *store.Tx) error {
		i, err := impersonationByID(tx, job.Args.Session)
		if err != nil {
			return err
		}
		_, err = s.revokeAs(tx, i.user, job.Args.Session, "its time was over", audit.Ref{})
		return err
	})
}
