package auth

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"seaworthy/app/manifest"
	"seaworthy/app/web"
	"seaworthy/store"
)

// permissionDoc is a permission of an app as seaworthy.yml has it.
type permissionDoc struct {
	Title string    `json:"title"`
	Means string    `json:"description,omitempty"`
	Scope web.Scope `json:"scope,omitempty"` // org without one
	Roles *[]string `json:"roles,omitempty"` // admin, member: the built-in roles that give it; as they are if there is none
}

// roleDoc is a role of every org as seaworthy.yml has it.
type roleDoc struct {
	Permissions []string `json:"permissions"`
}

// Parts are the sections of seaworthy.yml with the permissions of apps and the roles that
// every org has. The built-in roles are not in it, but for which permissions of apps they
// give, nor are the roles that orgs make for themselves.
func (s *System) Parts() []manifest.Part {
	return []manifest.Part{
		{Name: "permissions", Noun: "permission", Manage: permDeclare, Read: permAskRead, Prepare: s.preparePermissions, State: permissionsState},
		{Name: "roles", Noun: "role", Manage: permDeclare, Read: permAskRead, Prepare: s.prepareRoles, State: rolesState},
	}
}

func (s *System) preparePermissions(_ context.Context, f *manifest.File) (manifest.Act, error) {
	section := f.Section("permissions")
	var wanted []NewPermission
	var faults []error
	for _, it := range section.Items {
		doc, err := manifest.Decode[permissionDoc](it)
		n := NewPermission{PermissionKind: web.PermissionKind{Name: it.Name, Title: doc.Title, Means: doc.Means, Scope: doc.Scope}}
		if doc.Roles != nil {
			n.Roles = append([]string{}, *doc.Roles...)
		}
		if err == nil {
			err = it.Fault(n.check(s))
		}
		wanted, faults = append(wanted, n), append(faults, err)
	}
	if err := manifest.Join(faults); err != nil {
		return manifest.Act{}, err
	}
	act := manifest.Act{Put: func(tx *store.Tx, _ *manifest.Report) error {
		for i, n := range wanted {
			if err := s.declare(tx, n); err != nil {
				return section.Items[i].Fault(err)
			}
		}
		return nil
	}}
	if section.Prune {
		act.Prune = func(tx *store.Tx, _ *manifest.Report) error {
			all, err := declaredPermissions(tx)
			if err != nil {
				return err
			}
			for _, k := range all {
				if !slices.ContainsFunc(wanted, func(n NewPermission) bool { return n.Name == k.Name }) {
					if err := s.removePermission(tx, k.Name); err != nil {
						return err
					}
				}
			}
			return nil
		}
	}
	return act, nil
}

func permissionsState(tx *store.Tx) (all []manifest.Entry, err error) {
	declared, err := declaredPermissions(tx)
	if err != nil {
		return nil, err
	}
	given, err := builtInGive(tx)
	if err != nil {
		return nil, err
	}
	for _, k := range declared {
		doc := permissionDoc{Title: k.Title, Means: k.Means, Scope: k.Scope}
		if k.Scope == web.ScopeOrg {
			roles := append([]string{}, given[k.Name]...)
			doc.Roles = &roles
		}
		raw, err := json.Marshal(doc)
		if err != nil {
			return nil, err
		}
		all = append(all, manifest.Entry{Name: k.Name, JSON: raw})
	}
	return all, nil
}

// wantedRole is a role of a file.
type wantedRole struct {
	name        string
	permissions []string
	it          manifest.Item
}

func (s *System) prepareRoles(_ context.Context, f *manifest.File) (manifest.Act, error) {
	section := f.Section("roles")
	var wanted []wantedRole
	var faults []error
	for _, it := range section.Items {
		doc, err := manifest.Decode[roleDoc](it)
		w := wantedRole{permissions: doc.Permissions, it: it}
		if err == nil {
			var c web.Check
			w.name = c.Text("", it.Name, 1, 40)
			c.Fault(w.name == it.Name, "", "form", "A name neither begins nor ends with blanks.")
			err = it.Fault(c.Err())
		}
		wanted, faults = append(wanted, w), append(faults, err)
	}
	if err := manifest.Join(faults); err != nil {
		return manifest.Act{}, err
	}
	act := manifest.Act{Put: func(tx *store.Tx, _ *manifest.Report) error {
		for _, w := range wanted {
			if err := s.takeRole(tx, w); err != nil {
				return w.it.Fault(err)
			}
		}
		return nil
	}}
	if section.Prune {
		act.Prune = func(tx *store.Tx, _ *manifest.Report) error { return s.pruneRoles(tx, wanted) }
	}
	return act, nil
}

// takeRole makes a role of every org what a file says of it.
func (s *System) takeRole(tx *store.Tx, w wantedRole) error {
	all, err := selectRoles(tx, "")
	if err != nil {
		return err
	}
	for _, r := range all {
		if !r.BuiltIn && strings.EqualFold(r.Name, w.name) {
			_, err := s.changeRoleIn(tx, "", r.ID, roleChange{Name: &w.name, Permissions: &w.permissions})
			return err
		}
	}
	_, err = s.makeRoleIn(tx, "", w.name, w.permissions)
	return err
}

// pruneRoles deletes the roles that a file does not have. One that somebody has is not
// taken from him by a file: whoever wants that says in the console what takes its place.
func (s *System) pruneRoles(tx *store.Tx, wanted []wantedRole) error {
	all, err := selectRoles(tx, "")
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.BuiltIn || slices.ContainsFunc(wanted, func(w wantedRole) bool { return strings.EqualFold(w.name, r.Name) }) {
			continue
		}
		err := s.deleteRoleIn(tx, "", r.ID, "")
		if err == errRoleInUse {
			err = web.Invalid(web.Field{Field: "roles.items." + r.Name, Code: errRoleInUse.Code, Message: "Somebody has the role " + r.Name + ", or is invited to it. Delete it yourself and say which role takes its place, or leave it in the file."})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func rolesState(tx *store.Tx) (all []manifest.Entry, err error) {
	roles, err := selectRoles(tx, "")
	if err != nil {
		return nil, err
	}
	for _, r := range roles {
		if r.BuiltIn {
			continue
		}
		raw, err := json.Marshal(roleDoc{r.Permissions})
		if err != nil {
			return nil, err
		}
		all = append(all, manifest.Entry{Name: r.Name, JSON: raw})
	}
	return all, nil
}

// RoleNames are the names of the roles that every org and the installation have, for rules
// that name them.
func RoleNames(tx *store.Tx) ([]string, error) {
	return store.All(tx, text, `SELECT name FROM auth_role WHERE org_id IS NULL ORDER BY name`)
}
