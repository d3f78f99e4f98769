package auth

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Role is a set of permissions with a name: built in, made by an app for every
// org, or made by an org for itself.
type Role struct {
	ID, Name    string
	Org         string // "" for one that every org has
	BuiltIn     bool
	Permissions []string // org:read among them
}

// maxRoles bounds how many roles an org can make, and apps for all orgs.
const maxRoles = 50

const codeLacks = "permission_above_you"

// lacks is a refusal that names what somebody does not have himself.
func lacks(permission string) error {
	return &web.Error{Status: http.StatusForbidden, Code: codeLacks,
		Public: "You do not have " + permission + " yourself, so that you cannot give or change what it is part of."}
}

// mayGive demands that whoever asks has permissions himself, in an org or in the
// whole instance. Whoever acts as somebody else changes nobody's rights: he could
// give them to himself, or to a mailbox of his, and keep them when his hour is over.
func mayGive(tx *store.Tx, org, need string, permissions ...string) error {
	if onMachine(tx.Context()) {
		return nil
	}
	id := web.IdentityOf(tx.Context())
	if id.Impersonator != "" {
		return errImpersonating
	}
	has, in, err := held(tx, id, org)
	if err != nil {
		return err
	}
	if !in || !can(has, need) {
		return web.Forbidden(need)
	}
	for _, p := range permissions {
		if !can(has, p) {
			return lacks(p)
		}
	}
	return nil
}

// roleNeed is what somebody needs to manage the roles of an org, or those of all
// orgs for "".
func roleNeed(org string) string {
	if org == "" {
		return permDeclare
	}
	return permRoles
}

// roleInput is what a role is made from, or changed to.
type roleInput struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
}

// checkRoleName demands what checkOrgName does: a role is named in invitations too.
func checkRoleName(name string) (string, error) {
	var c web.Check
	name = c.Text("name", name, 1, 40)
	c.Fault(!looksLikeLink(name), "name", "link", "A name cannot contain a web address.")
	return name, c.Err()
}

// refuseRoleName refuses a name that another role of the org has, or one that
// every org has, whatever the case of its letters.
func refuseRoleName(tx *store.Tx, org, name, but string) error {
	all, err := selectRoles(tx, org)
	if err != nil {
		return err
	}
	taken := slices.ContainsFunc(all, func(r Role) bool { return r.ID != but && strings.EqualFold(r.Name, name) })
	if taken || strings.EqualFold(name, "operator") {
		return web.Invalid(web.Field{Field: "name", Code: "taken", Message: "There is a role with this name."})
	}
	if but == "" && len(slices.DeleteFunc(all, func(r Role) bool { return r.Org != org || r.BuiltIn })) >= maxRoles {
		return web.Invalid(web.Field{Field: "name", Code: "too_many", Message: "There are fifty roles already. Delete one first."})
	}
	return nil
}

// makeRole makes a role of an org, or one that every org has if org is "".
// Nobody makes one that gives more than he has.
func (s *System) makeRole(ctx context.Context, org string, in roleInput) (Role, error) {
	name, err := checkRoleName(in.Name)
	if err != nil {
		return Role{}, err
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (Role, error) { return s.makeRoleIn(tx, org, name, in.Permissions) })
}

// makeRoleIn makes a role whose name was checked.
func (s *System) makeRoleIn(tx *store.Tx, org, name string, permissions []string) (r Role, err error) {
	r = Role{ID: tx.NewID("rol"), Name: name, Org: org}
	if r.Permissions, err = s.checkRolePermissions(tx, permissions); err != nil {
		return r, err
	}
	if err := mayGive(tx, org, roleNeed(org), r.Permissions...); err != nil {
		return r, err
	}
	if err := refuseRoleName(tx, org, name, ""); err != nil {
		return r, err
	}
	if err := insertRole(tx, r); err != nil {
		return r, err
	}
	for _, p := range r.Permissions {
		if err := insertRolePermission(tx, r.ID, p); err != nil {
			return r, err
		}
	}
	return r, s.Audit.Record(tx, audit.Event{Action: actRoleCreated, Org: org, Targets: []audit.Ref{{Type: "role", ID: r.ID}},
		Details: map[string]any{"name": name, "permissions": r.Permissions}})
}

// roleChange is what of a role can be changed; nil leaves a part as it is.
type roleChange struct {
	Name        *string   `json:"name,omitempty"`
	Permissions *[]string `json:"permissions,omitempty"`
}

// changeRole changes a role of an org, or one of every org if org is "". It is
// felt by the next request of whoever has the role. Whoever changes one must have
// all that it gave and gives.
func (s *System) changeRole(ctx context.Context, org, id string, in roleChange) (Role, error) {
	return store.Write(ctx, s.DB, func(tx *store.Tx) (Role, error) { return s.changeRoleIn(tx, org, id, in) })
}

func (s *System) changeRoleIn(tx *store.Tx, org, id string, in roleChange) (Role, error) {
	was, err := ownRole(tx, org, id)
	if err != nil {
		return was, err
	}
	now, changes := was, map[string]audit.Change{}
	if in.Name != nil {
		if now.Name, err = checkRoleName(*in.Name); err != nil {
			return was, err
		}
		if now.Name != was.Name {
			changes["name"] = audit.Change{From: was.Name, To: now.Name}
		}
		if err := refuseRoleName(tx, org, now.Name, id); err != nil {
			return was, err
		}
	}
	if in.Permissions != nil {
		if now.Permissions, err = s.checkRolePermissions(tx, *in.Permissions); err != nil {
			return was, err
		}
		if !slices.Equal(was.Permissions, now.Permissions) {
			changes["permissions"] = audit.Change{From: strings.Join(was.Permissions, " "), To: strings.Join(now.Permissions, " ")}
		}
	}
	if err := mayGive(tx, org, roleNeed(org), slices.Concat(was.Permissions, now.Permissions)...); err != nil || len(changes) == 0 {
		return was, err
	}
	if err := saveRole(tx, was, now); err != nil {
		return was, err
	}
	return now, s.Audit.Record(tx, audit.Event{Action: actRoleUpdated, Org: org, Targets: []audit.Ref{{Type: "role", ID: id}}, Changes: changes})
}

// saveRole writes what differs.
func saveRole(tx *store.Tx, was, now Role) error {
	if was.Name != now.Name {
		if err := renameRole(tx, now.ID, now.Name); err != nil {
			return err
		}
	}
	for _, p := range was.Permissions {
		if !slices.Contains(now.Permissions, p) {
			if err := deleteRolePermission(tx, now.ID, p); err != nil {
				return err
			}
		}
	}
	for _, p := range now.Permissions {
		if !slices.Contains(was.Permissions, p) {
			if err := insertRolePermission(tx, now.ID, p); err != nil {
				return err
			}
		}
	}
	return nil
}

var errRoleInUse = &web.Error{Status: http.StatusConflict, Code: "role_in_use",
	Public: "Somebody has this role, or is invited to it. Choose the role that takes its place."}

// deleteRole deletes a role of an org, or one of every org if org is "". Whoever
// has it, keys and invitations among them, gets the replacement, without which
// nobody may have it.
func (s *System) deleteRole(ctx context.Context, org, id, replacement string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error { return s.deleteRoleIn(tx, org, id, replacement) })
}

func (s *System) deleteRoleIn(tx *store.Tx, org, id, replacement string) error {
	was, err := ownRole(tx, org, id)
	if err != nil {
		return err
	}
	gives := was.Permissions
	details := map[string]any{"name": was.Name}
	used, err := roleInUse(tx, id)
	if err != nil {
		return err
	}
	if used {
		if replacement == "" {
			return errRoleInUse
		}
		to, err := roleInOrg(tx, org, replacement)
		if isNotFound(err) || err == nil && to.ID == id {
			return web.Invalid(web.Field{Field: "replacement", Code: "unknown", Message: "There is no such role in this organization."})
		}
		if err != nil {
			return err
		}
		gives = slices.Concat(gives, to.Permissions)
		details["replacement"] = to.Name
		if err := replaceRole(tx, id, to.ID); err != nil {
			return err
		}
	}
	if err := mayGive(tx, org, roleNeed(org), gives...); err != nil {
		return err
	}
	if err := removeRole(tx, id); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actRoleDeleted, Org: org, Targets: []audit.Ref{{Type: "role", ID: id}}, Details: details})
}
