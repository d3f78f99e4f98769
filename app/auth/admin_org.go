package auth

import (
	"context"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// OrgRow is an org as operators see one in a list.
type OrgRow struct {
	ID, Slug, Name   string
	PersonalOf       string // id of the user whose personal org it is; "" for a shared one
	Members          int    // at most a hundred are counted
	Created, Deleted time.Time

	key string
}

// Many reports whether there may be more members than were counted.
func (o OrgRow) Many() bool { return o.Members >= manyMembers }

// OrgDetail is an org with its members and keys.
type OrgDetail struct {
	OrgRow
	List  []Member
	Next  string // cursor of the next members; "" for none
	Keys  []Key
	Roles []Role // which a member can have
}

// Member is a user in an org.
type Member struct {
	User, Name, Email, Status string
	RoleID, Role              string
	Since                     time.Time
}

// Orgs are orgs, a page of them, and the cursor of the next page, as with People.
func Orgs(tx *store.Tx, f Filter, limit int) (page []OrgRow, next string, err error) {
	q := newSearch(f, "org_")
	switch {
	case q.id:
		page, err = orgsByID(tx, q, limit+1)
	case q.prefix != "":
		page, err = searchOrgs(tx, q, limit+1)
	default:
		page, err = newestOrgs(tx, q, limit+1)
	}
	if len(page) > limit {
		page = page[:limit]
		next = q.cursor(page[limit-1].key, page[limit-1].ID)
	}
	return page, next, err
}

func searchOrgs(tx *store.Tx, q search, limit int) ([]OrgRow, error) {
	bySlug, err := orgsBySlug(tx, q, limit)
	if err != nil {
		return nil, err
	}
	byName, err := orgsByName(tx, q, limit)
	return merge(bySlug, byName, limit, func(o OrgRow) (key, id string) { return o.key, o.ID }), err
}

// OrgByID is an org, living or deleted, with its members after one.
func OrgByID(tx *store.Tx, id, after string) (d OrgDetail, err error) {
	if d.OrgRow, err = anyOrg(tx, id); err != nil {
		return d, err
	}
	all, err := selectMembers(tx, id, after, shown+1)
	if err != nil {
		return d, err
	}
	all, d.Next = cut(all, shown, func(m member) string { return m.user })
	for _, m := range all {
		d.List = append(d.List, Member{User: m.user, Name: m.name, Email: m.email, Status: m.status, RoleID: m.role, Role: m.roleName, Since: m.joined})
	}
	if d.Roles, err = selectRoles(tx, id); err != nil {
		return d, err
	}
	d.Keys, err = selectKeys(tx, id, "", shown)
	return d, err
}

// onOrg runs an act on an org in a transaction, for somebody who may manage orgs now.
func (s *System) onOrg(ctx context.Context, id string, act func(tx *store.Tx, o OrgRow) error) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		o, err := anyOrg(tx, id)
		if err != nil {
			return err
		}
		caller := web.IdentityOf(ctx)
		if caller.Impersonator != "" {
			return errImpersonating
		}
		if !onMachine(ctx) {
			has, _, err := held(tx, caller, "")
			if err != nil {
				return err
			}
			if !can(has, permOrgsManage) {
				return web.Forbidden(permOrgsManage)
			}
		}
		return act(tx, o)
	})
}

// SetRole gives a member of an org another role, named by its id. An org keeps
// an owner.
func (s *System) SetRole(ctx context.Context, org, userID, role string) error {
	return s.onOrg(ctx, org, func(tx *store.Tx, o OrgRow) error {
		if o.PersonalOf == userID {
			return errPersonalOrg
		}
		m, err := memberOf(tx, org, userID)
		if err != nil {
			return err
		}
		to, err := roleInOrg(tx, org, role)
		if isNotFound(err) {
			return errNoRole
		}
		if err != nil {
			return err
		}
		return s.giveRole(tx, org, m, to, actRoleSet)
	})
}

// RemoveMember takes a user out of an org. An org keeps an owner.
func (s *System) RemoveMember(ctx context.Context, org, userID string) error {
	return s.onOrg(ctx, org, func(tx *store.Tx, o OrgRow) error {
		if o.PersonalOf == userID {
			return errPersonalOrg
		}
		m, err := memberOf(tx, org, userID)
		if err != nil {
			return err
		}
		return s.takeOut(tx, org, m, actMemberTaken)
	})
}

// CloseOrg ends work in an org: to everybody but operators it is not there any
// more, and whoever works in it goes on in his own. What it has is kept. Whoever
// asks types its slug.
func (s *System) CloseOrg(ctx context.Context, org, typed, reason string) error {
	var c web.Check
	reason = checkReason(&c, reason)
	if err := c.Err(); err != nil {
		return err
	}
	return s.onOrg(ctx, org, func(tx *store.Tx, o OrgRow) error {
		switch {
		case typed != o.Slug:
			return web.Invalid(web.Field{Field: "confirm", Code: "different", Message: "Type the slug of this org."})
		case o.PersonalOf != "":
			return errPersonalOrg
		case !o.Deleted.IsZero():
			return nil
		}
		if err := sendAllHome(tx, org, 3); err != nil {
			return err
		}
		if err := setOrgDeleted(tx, org, tx.Now().UnixMilli()); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actOrgClosed, Org: org, Targets: []audit.Ref{{Type: "org", ID: org}}, Details: map[string]any{"reason": reason}})
	})
}

// ReopenOrg opens an org again that was closed or deleted.
func (s *System) ReopenOrg(ctx context.Context, org string) error {
	return s.onOrg(ctx, org, func(tx *store.Tx, o OrgRow) error {
		if o.Deleted.IsZero() {
			return nil
		}
		if err := setOrgDeleted(tx, org, 0); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actOrgReopened, Org: org, Targets: []audit.Ref{{Type: "org", ID: org}}})
	})
}
