package auth

import (
	"context"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// inviteLife is how long an invitation works after it was sent.
const inviteLife = 7 * 24 * time.Hour

// Mails are bounded per org and per address, so that neither an org nor many
// together can flood a mailbox.
const (
	invitesADay    = 100 // of an org
	invitesTo      = 5   // an address, of all orgs, in a day
	invitesPending = 500 // of an org
)

// invitation is somebody's way into an org, who is not there yet. It is for
// whoever holds the mailbox it was sent to.
type invitation struct {
	id, org        string
	email          address
	role, roleName string
	state          string // pending accepted revoked
	by, byName     string // type:id, and the name of a user
	sent           int
	created, sentA time.Time
	expires        time.Time
}

var (
	errVerifyFirst = &web.Error{Status: http.StatusForbidden, Code: "verify_first",
		Public: "Verify your own email address first. Then you can invite others."}
	errTooManyInvites = &web.Error{Status: http.StatusTooManyRequests, Code: "too_many_requests", RetryAfter: time.Hour,
		Public: "This is as many invitations as can be sent in a day. Try again tomorrow."}
)

// invite asks somebody into the request's org by mail. The answer is the same
// whether or not the address is known here. Somebody who is invited already gets a
// new link, and the role that was said last.
func (s *System) invite(ctx context.Context, text, role string) (invitation, error) {
	var c web.Check
	addr := checkAddress(&c, "email", text)
	c.Fault(role != "", "role", "required", "Choose a role.")
	if err := c.Err(); err != nil {
		return invitation{}, err
	}
	org, me := web.OriginOf(ctx).Org, web.IdentityOf(ctx)
	if me.Person() && !me.Verified {
		return invitation{}, errVerifyFirst
	}
	t := newToken()
	return store.Write(ctx, s.DB, func(tx *store.Tx) (invitation, error) {
		i, err := s.newInvitation(tx, org, addr, role)
		if err != nil {
			return i, err
		}
		act := actInvited
		if i.sent > 1 {
			act = actInvitedAgain
		}
		if err := s.sendInvitation(tx, org, i, t); err != nil {
			return i, err
		}
		return i, s.recordInvitation(tx, act, i)
	})
}

// newInvitation is the one to send: a new one, or the one that waits for an answer.
func (s *System) newInvitation(tx *store.Tx, org web.Org, addr address, roleID string) (i invitation, err error) {
	if err := s.mayGrow(tx, org.ID); err != nil {
		return i, err
	}
	o, err := orgByID(tx, org.ID)
	if err != nil {
		return i, err
	}
	if o.personal != "" {
		return i, errPersonalOrg
	}
	role, err := roleInOrg(tx, org.ID, roleID)
	if isNotFound(err) {
		return i, errNoRole
	}
	if err != nil {
		return i, err
	}
	if err := mayHandle(tx, org.ID, permMembers, errRoleAboveYou, role.ID); err != nil {
		return i, err
	}
	if in, err := isMemberAddress(tx, org.ID, addr.norm); err != nil || in {
		return i, firstError(err, web.Invalid(web.Field{Field: "email", Code: "member", Message: "This person is a member already."}))
	}
	i, err = pendingInvitation(tx, org.ID, addr.norm)
	if isNotFound(err) {
		i, err = invitation{id: tx.NewID("inv"), org: org.ID, state: "pending", created: tx.Now()}, nil
	} else if err == nil {
		err = mayHandle(tx, org.ID, permMembers, errRoleAboveYou, i.role)
	}
	i.email, i.role, i.roleName, i.by = addr, role.ID, role.Name, maker(tx.Context())
	i.sent, i.sentA, i.expires = i.sent+1, tx.Now(), tx.Now().Add(inviteLife)
	return i, err
}

// sendInvitation stores an invitation with its new token and mails the link. An
// earlier link stops working.
func (s *System) sendInvitation(tx *store.Tx, org web.Org, i invitation, t token) error {
	if err := roomToInvite(tx, i); err != nil {
		return err
	}
	if err := saveInvitation(tx, i, t.hash()); err != nil {
		return err
	}
	by := web.IdentityOf(tx.Context()).Name
	if by == "" || !web.IdentityOf(tx.Context()).Person() {
		by = org.Name
	}
	_, err := s.Mail.Send(tx, email.Message{To: i.email.typed, Template: "auth/invite", Org: org.ID, Vars: map[string]string{
		"Org": org.Name, "By": by, "Role": i.roleName, "Until": i.expires.Format("2 Jan 2006"), "URL": s.URL + "/-/invite/" + string(t)}})
	return err
}

// roomToInvite holds invitations to their bounds.
func roomToInvite(tx *store.Tx, i invitation) error {
	day := tx.Now().Add(-24 * time.Hour).UnixMilli()
	sent, to, pending, err := countInvitations(tx, i, day)
	if err == nil && (sent >= invitesADay || to >= invitesTo || pending >= invitesPending && i.sent == 1) {
		err = errTooManyInvites
	}
	return err
}

func (s *System) recordInvitation(tx *store.Tx, act audit.Action, i invitation) error {
	return s.Audit.Record(tx, audit.Event{Action: act, Org: i.org, Targets: []audit.Ref{{Type: "invitation", ID: i.id}},
		Details: map[string]any{"role": i.roleName}, Personal: map[string]string{"email": i.email.typed}, Subject: audit.Ref{Type: "invitation", ID: i.id}})
}

// resend mails an invitation of the request's org again, with a new link.
func (s *System) resend(ctx context.Context, id string) error {
	org := web.OriginOf(ctx).Org
	t := newToken()
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		i, err := invitationByID(tx, org.ID, id)
		if err != nil {
			return err
		}
		if err := mayHandle(tx, org.ID, permMembers, errRoleAboveYou, i.role); err != nil {
			return err
		}
		i.by, i.sent, i.sentA, i.expires = maker(tx.Context()), i.sent+1, tx.Now(), tx.Now().Add(inviteLife)
		if err := s.sendInvitation(tx, org, i, t); err != nil {
			return err
		}
		return s.recordInvitation(tx, actInvitedAgain, i)
	})
}

// revokeInvitation ends an invitation of the request's org.
func (s *System) revokeInvitation(ctx context.Context, id string) error {
	org := web.OriginOf(ctx).Org
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		i, err := invitationByID(tx, org.ID, id)
		if err != nil {
			return err
		}
		if err := mayHandle(tx, org.ID, permMembers, errAboveYou, i.role); err != nil {
			return err
		}
		return s.endInvitation(tx, i)
	})
}

func (s *System) endInvitation(tx *store.Tx, i invitation) error {
	if err := closeInvitation(tx, i.id, "revoked", ""); err != nil {
		return err
	}
	return s.recordInvitation(tx, actInvitationRevoked, i)
}

// endAllInvitationsBy does as endInvitationsBy in every org of a user.
func (s *System) endAllInvitationsBy(tx *store.Tx, user string) error {
	orgs, err := orgsOf(tx, user)
	for _, org := range orgs {
		if err := s.endInvitationsBy(tx, org, user); err != nil {
			return err
		}
	}
	return err
}

// endInvitationsBy ends what somebody has invited to and could not any more:
// whoever was removed must not come back by a second mailbox.
func (s *System) endInvitationsBy(tx *store.Tx, org, user string) error {
	all, err := invitationsBy(tx, org, user)
	if err != nil || len(all) == 0 {
		return err
	}
	has, _, err := held(tx, web.Identity{User: user}, org)
	if err != nil {
		return err
	}
	for _, i := range all {
		gives, err := rolePermissions(tx, i.role)
		if err != nil {
			return err
		}
		still := can(has, permMembers)
		for _, p := range gives {
			still = still && can(has, p)
		}
		if still {
			continue
		}
		if err := s.endInvitation(tx, i); err != nil {
			return err
		}
	}
	return nil
}
