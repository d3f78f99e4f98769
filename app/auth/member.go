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

// member is somebody who belongs to an org, with the role he has there.
type member struct {
	user, name, email string
	verified          bool
	status            string
	role, roleName    string
	joined            time.Time
}

var (
	errLastOwner = &web.Error{Status: http.StatusConflict, Code: "last_owner",
		Public: "This is the only owner. Make somebody else an owner first, or delete the organization."}
	errAboveYou = &web.Error{Status: http.StatusForbidden, Code: "above_you",
		Public: "This person may do more here than you, so that only somebody who may do as much can change that."}
	errRoleAboveYou = &web.Error{Status: http.StatusForbidden, Code: "role_above_you",
		Public: "This role gives more than you have yourself. Somebody who has all of it can give it."}
	errNoRole = web.Invalid(web.Field{Field: "role", Code: "unknown", Message: "There is no such role in this organization."})
)

// mayHandle demands of whoever asks, by the rows of now, a permission in an org and
// all that a role gives: nobody gives, changes or takes what he does not have.
func mayHandle(tx *store.Tx, org, need string, refusal error, role string) error {
	gives, err := rolePermissions(tx, role)
	if err != nil {
		return err
	}
	err = mayGive(tx, org, need, gives...)
	if err != nil && web.AsError(err).Code == codeLacks {
		return refusal
	}
	return err
}

// setRole gives a member of the request's org another role.
func (s *System) setRole(ctx context.Context, user, role string) error {
	org := web.OriginOf(ctx).Org
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		m, err := memberOf(tx, org.ID, user)
		if err != nil {
			return err
		}
		to, err := roleInOrg(tx, org.ID, role)
		if isNotFound(err) {
			return errNoRole
		}
		if err != nil {
			return err
		}
		if err := mayHandle(tx, org.ID, permMembers, errAboveYou, m.role); err != nil {
			return err
		}
		if err := mayHandle(tx, org.ID, permMembers, errRoleAboveYou, to.ID); err != nil {
			return err
		}
		return s.giveRole(tx, org.ID, m, to, actMemberRole)
	})
}

// keepOwner refuses to leave an org without an owner who can sign in, by what is
// done to a member. Writes run one after the other, so of two who step down at once
// the second is refused.
func keepOwner(tx *store.Tx, org string, m member) error {
	if m.role != ownerRole {
		return nil
	}
	another, err := hasOtherOwner(tx, org, m.user)
	if err == nil && !another {
		err = errLastOwner
	}
	return err
}

// giveRole puts another role in the place of the one a member has, under an action
// that says who did it. What he had invited to and could not any more ends.
func (s *System) giveRole(tx *store.Tx, org string, m member, to Role, act audit.Action) error {
	if m.role == to.ID {
		return nil
	}
	if err := keepOwner(tx, org, m); err != nil {
		return err
	}
	if err := unbind(tx, "user", m.user, org); err != nil {
		return err
	}
	if err := bindRole(tx, m.user, org, to.ID); err != nil {
		return err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: act, Org: org, Targets: []audit.Ref{audit.User(m.user)},
		Changes: map[string]audit.Change{"role": {From: m.roleName, To: to.Name}}}); err != nil {
		return err
	}
	return s.endInvitationsBy(tx, org, m.user)
}

// takeOut takes a member out of an org, under an action that says who did it. His
// browsers go on in his own org, and his next request in this one finds nothing.
func (s *System) takeOut(tx *store.Tx, org string, m member, act audit.Action) error {
	if err := keepOwner(tx, org, m); err != nil {
		return err
	}
	if err := unbind(tx, "user", m.user, org); err != nil {
		return err
	}
	if err := deleteMember(tx, org, m.user); err != nil {
		return err
	}
	if err := sendHome(tx, org, m.user); err != nil {
		return err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: act, Org: org, Targets: []audit.Ref{audit.User(m.user)},
		Details: map[string]any{"role": m.roleName}}); err != nil {
		return err
	}
	return s.endInvitationsBy(tx, org, m.user)
}

// removeMember takes somebody out of the request's org, or lets him leave it.
func (s *System) removeMember(ctx context.Context, user string) error {
	org, me := web.OriginOf(ctx).Org, web.IdentityOf(ctx)
	leaves := user == me.User
	if leaves && me.Impersonator != "" {
		return errImpersonating
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		m, err := memberOf(tx, org.ID, user)
		if err != nil {
			return err
		}
		o, err := orgByID(tx, org.ID)
		if err != nil {
			return err
		}
		if o.personal != "" {
			return errPersonalOrg
		}
		act := actMemberLeft
		if !leaves {
			act = actMemberRemoved
			if err := mayHandle(tx, org.ID, permMembers, errAboveYou, m.role); err != nil {
				return err
			}
		}
		return s.takeOut(tx, org.ID, m, act)
	})
}

// transfer hands the ownership of the request's org from whoever asks, who must
// be an owner, to a member. He stays as an admin; both are told.
func (s *System) transfer(ctx context.Context, user string) error {
	org, me := web.OriginOf(ctx).Org, web.IdentityOf(ctx)
	switch {
	case !me.Person():
		return web.ErrPersonOnly
	case me.Impersonator != "":
		return errImpersonating
	case user == me.User:
		return web.Invalid(web.Field{Field: "user", Code: "self", Message: "You own it already. Choose somebody else."})
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		from, err := memberOf(tx, org.ID, me.User)
		if isNotFound(err) || err == nil && from.role != ownerRole {
			return web.Forbidden(permOwn)
		}
		if err != nil {
			return err
		}
		to, err := memberOf(tx, org.ID, user)
		if isNotFound(err) || err == nil && to.status != "active" {
			return web.Invalid(web.Field{Field: "user", Code: "unknown", Message: "This is no member of the organization."})
		}
		if err != nil {
			return err
		}
		if err := s.swapOwner(tx, org, from, to); err != nil {
			return err
		}
		for _, m := range []member{from, to} {
			if _, err := s.Mail.Send(tx, email.Message{To: m.email, Template: "auth/org_transferred", User: m.user, Org: org.ID, Vars: map[string]string{
				"Name": m.name, "Org": org.Name, "From": from.name, "To": to.name, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"),
				"URL": s.URL + "/-/org/" + org.Slug + "/members"}}); err != nil {
				return err
			}
		}
		return s.Audit.Record(tx, audit.Event{Action: actOrgTransferred, Org: org.ID, Targets: []audit.Ref{{Type: "org", ID: org.ID}, audit.User(to.user)},
			Changes: map[string]audit.Change{"owner": {From: from.user, To: to.user}}})
	})
}

func (s *System) swapOwner(tx *store.Tx, org web.Org, from, to member) error {
	for _, m := range []struct{ user, role string }{{to.user, ownerRole}, {from.user, adminRole}} {
		if err := unbind(tx, "user", m.user, org.ID); err != nil {
			return err
		}
		if err := bindRole(tx, m.user, org.ID, m.role); err != nil {
			return err
		}
	}
	return s.endInvitationsBy(tx, org.ID, from.user)
}
