package auth

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// The permissions auth asks for.
const (
	permOrgRead  = "org:read"
	permMembers  = "org:members"
	permRoles    = "org:roles"
	permOrgKeys  = "org:keys"
	permSettings = "org:settings"
	permOwn      = "org:own"
	permAskRead  = "permissions:read"
	permDeclare  = "permissions:manage"
	permKeys     = "keys:manage"
	maxDeclared  = 500 // permissions of apps in all
)

// Permissions are auth's part of the catalogue, and what every org has.
var Permissions = []web.PermissionKind{
	{Name: permOrgRead, Title: "See the organization", Means: "See the members, the roles and the name. Every role has it.", Scope: web.ScopeOrg},
	{Name: permMembers, Title: "Manage members", Means: "Invite people, remove them and give them roles.", Scope: web.ScopeOrg},
	{Name: permRoles, Title: "Manage roles", Means: "Make roles and say what they may do.", Scope: web.ScopeOrg},
	{Name: permOrgKeys, Title: "Manage API keys", Means: "Make and revoke the organization's API keys.", Scope: web.ScopeOrg},
	{Name: "org:audit", Title: "Read the audit log", Means: "See and export who did what in the organization.", Scope: web.ScopeOrg},
	{Name: permSettings, Title: "Change settings", Means: "Change the name, the slug and the rules of the organization.", Scope: web.ScopeOrg},
	{Name: permOwn, Title: "Own the organization", Means: "Delete the organization.", Scope: web.ScopeOrg},
	{Name: "billing:read", Title: "See billing", Means: "See the plan, the usage and the invoices.", Scope: web.ScopeOrg},
	{Name: "billing:manage", Title: "Manage billing", Means: "Change the plan and how it is paid.", Scope: web.ScopeOrg},
	{Name: "users:read", Title: "See users", Means: "Find people and see all about their accounts.", Scope: web.ScopeInstance},
	{Name: "users:manage", Title: "Manage users", Means: "Suspend people, sign them out, reset their second step, make operators.", Scope: web.ScopeInstance},
	{Name: "users:impersonate", Title: "Act as a user", Means: "Act in somebody's place for an hour, with a reason that their organizations read.", Scope: web.ScopeInstance},
	{Name: "orgs:read", Title: "See all organizations", Means: "Find organizations and see their members and keys.", Scope: web.ScopeInstance},
	{Name: "orgs:manage", Title: "Manage all organizations", Means: "Change roles in any organization, remove members, close and reopen it.", Scope: web.ScopeInstance},
	{Name: permIntrospect, Title: "Ask about tokens", Means: "Learn whether an access or refresh token counts, and whose it is.", Scope: web.ScopeInstance},
	{Name: permAskRead, Title: "Ask about permissions", Means: "See the catalogue of permissions, and learn what anybody may do.", Scope: web.ScopeInstance},
	{Name: permDeclare, Title: "Declare permissions", Means: "Declare the permissions of an app, and roles for every organization.", Scope: web.ScopeInstance},
	{Name: permKeys, Title: "Manage instance keys", Means: "Make and revoke API keys of the whole installation.", Scope: web.ScopeInstance},
}

// reserved are areas that systems have, or may come to have; no app can declare in them.
var reserved = []string{"admin", "alerts", "audit", "auth", "backups", "billing", "console", "email", "errors", "flags", "hooks", "instance", "jobs", "keys", "logs",
	"metrics", "oauth", "operator", "ops", "org", "orgs", "payments", "performance", "permissions", "proxy", "roles", "scim", "seaworthy", "settings", "sso", "system",
	"telemetry", "traces", "users", "webhooks"}

// declaredForm is how a permission is written that can be declared.
var declaredForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}:[a-z][a-z0-9_]{0,39}$`)

// Declare adds the permissions of systems to the catalogue, and those that routes
// ask for beside them. It is called once, before anything is served.
func (s *System) Declare(kinds []web.PermissionKind, routes []web.Route) error {
	for _, k := range kinds {
		if !declaredForm.MatchString(k.Name) || k.Title == "" || k.Means == "" || k.Scope != web.ScopeOrg && k.Scope != web.ScopeInstance {
			return fmt.Errorf("permission %q: it needs a name as area:act, a title, a sentence and a scope", k.Name)
		}
		if _, twice := s.declared[k.Name]; twice {
			return fmt.Errorf("permission %q is declared twice", k.Name)
		}
		s.declared[k.Name] = k
	}
	for _, r := range routes {
		name := r.Access.RequiredPermission()
		if _, known := s.declared[name]; !known && name != "" {
			s.declared[name] = web.PermissionKind{Name: name, Title: name, Means: "Asked for by a route.", Scope: r.Access.Scope()}
		}
	}
	return nil
}

// ofSystems are the declared permissions of systems, by name.
func (s *System) ofSystems() []web.PermissionKind {
	return slices.SortedFunc(maps.Values(s.declared), func(a, b web.PermissionKind) int { return strings.Compare(a.Name, b.Name) })
}

// areaOfSystem reports whether an area is a system's.
func (s *System) areaOfSystem(area string) bool {
	if slices.Contains(reserved, area) {
		return true
	}
	for name := range s.declared {
		if web.Area(name) == area {
			return true
		}
	}
	return false
}

// plain is a permission as it is written here: "billing.manage" is "billing:manage".
func plain(permission string) string {
	if strings.Contains(permission, ":") {
		return permission
	}
	return strings.Replace(permission, ".", ":", 1)
}

// NewPermission is what an app declares.
type NewPermission struct {
	web.PermissionKind
	// Roles are the built-in roles, "admin" and "member", that give it from the
	// start; nil leaves them as they are. Owners have what counts in orgs anyway.
	Roles []string
}

// builtIn are the roles of every org that an app's permission can be put into.
var builtIn = map[string]string{"admin": "rol_admin", "member": "rol_member"}

// DeclarePermission adds a permission of an app to the catalogue, or changes its
// words and which built-in roles give it. Declaring the same again writes nothing.
func (s *System) DeclarePermission(ctx context.Context, n NewPermission) error {
	if err := n.check(s); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return s.declare(tx, n) })
}

// check tidies what is declared and says what is wrong with it.
func (n *NewPermission) check(s *System) error {
	var c web.Check
	n.Name = plain(n.Name)
	area := web.Area(n.Name)
	c.Fault(declaredForm.MatchString(n.Name), "name", "form", "A permission is written area:act, in small letters, digits and underscores.")
	c.Fault(!s.areaOfSystem(area), "name", "reserved", "The area "+area+" belongs to Seaworthy. Choose another.")
	n.Title = c.Text("title", n.Title, 1, 80)
	n.Means = c.Text("description", n.Means, 0, 300)
	if n.Scope == "" {
		n.Scope = web.ScopeOrg
	}
	c.Fault(n.Scope == web.ScopeOrg || n.Scope == web.ScopeInstance, "scope", "unknown", "A permission counts in an org or in the instance.")
	for _, r := range n.Roles {
		c.Fault(builtIn[r] != "", "roles", "unknown", "Only the built-in roles admin and member can be given it here.")
		c.Fault(n.Scope == web.ScopeOrg, "roles", "scope", "Roles of orgs give only what counts in orgs.")
	}
	return c.Err()
}

func (s *System) declare(tx *store.Tx, n NewPermission) error {
	area := web.Area(n.Name)
	scope, err := areaScope(tx, area)
	switch {
	case isNotFound(err):
		if err := insertArea(tx, area, n.Scope); err != nil {
			return err
		}
	case err != nil:
		return err
	case scope != n.Scope:
		return web.Invalid(web.Field{Field: "scope", Code: "area_scope", Message: "The area " + area + " counts in the " + string(scope) +
			" since it was first declared, and cannot change. Choose another area."})
	}
	before, err := declaredPermission(tx, n.Name)
	fresh := isNotFound(err)
	if err != nil && !fresh {
		return err
	}
	if fresh {
		many, err := declaredCount(tx, maxDeclared)
		if err != nil {
			return err
		}
		if many >= maxDeclared {
			return web.Invalid(web.Field{Field: "name", Code: "too_many", Message: fmt.Sprintf("At most %d permissions can be declared.", maxDeclared)})
		}
	}
	changes := map[string]audit.Change{}
	for field, v := range map[string][2]string{"title": {before.Title, n.Title}, "description": {before.Means, n.Means}} {
		if v[0] != v[1] {
			changes[field] = audit.Change{From: v[0], To: v[1]}
		}
	}
	if fresh || len(changes) > 0 {
		if err := upsertPermission(tx, n.PermissionKind, maker(tx.Context())); err != nil {
			return err
		}
	}
	if n.Roles != nil {
		was, err := builtInWith(tx, n.Name)
		if err != nil {
			return err
		}
		if now := slices.Compact(slices.Sorted(slices.Values(n.Roles))); !slices.Equal(was, now) {
			changes["roles"] = audit.Change{From: strings.Join(was, " "), To: strings.Join(now, " ")}
			if err := setBuiltIn(tx, n.Name, now); err != nil {
				return err
			}
		}
	}
	if !fresh && len(changes) == 0 {
		return nil
	}
	return s.Audit.Record(tx, audit.Event{Action: actPermissionSet, Targets: []audit.Ref{{Type: "permission", ID: n.Name}}, Changes: changes,
		Details: map[string]any{"scope": n.Scope}})
}

// RemovePermission takes a permission of an app out of the catalogue and out of
// every role. Its area keeps its scope, should it be declared again.
func (s *System) RemovePermission(ctx context.Context, name string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error { return s.removePermission(tx, plain(name)) })
}

func (s *System) removePermission(tx *store.Tx, name string) error {
	if err := deletePermission(tx, name); err != nil {
		return err
	}
	roles, err := takeFromRoles(tx, name)
	if err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actPermissionRemoved, Targets: []audit.Ref{{Type: "permission", ID: name}},
		Details: map[string]any{"roles": roles}})
}

// catalogue is every permission there is, those of apps after those of systems.
func (s *System) catalogue(tx *store.Tx) ([]web.PermissionKind, error) {
	apps, err := declaredPermissions(tx)
	return append(s.ofSystems(), apps...), err
}

// inOrgs are the permissions of the catalogue that count in orgs.
func (s *System) inOrgs(tx *store.Tx) ([]web.PermissionKind, error) {
	all, err := s.catalogue(tx)
	return slices.DeleteFunc(all, func(k web.PermissionKind) bool { return k.Scope != web.ScopeOrg }), err
}

// checkRolePermissions demands permissions that are declared and count in orgs,
// and returns them sorted, org:read among them: a role without it could not even
// leave.
func (s *System) checkRolePermissions(tx *store.Tx, permissions []string) ([]string, error) {
	all, err := s.inOrgs(tx)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, k := range all {
		known[k.Name], known[web.Area(k.Name)+":*"] = true, true
	}
	given := []string{permOrgRead}
	var c web.Check
	for _, p := range permissions {
		p = plain(p)
		c.Fault(known[p], "permissions", "undeclared", web.CleanText(p, 64)+" is no declared permission of organizations.")
		given = append(given, p)
	}
	given = slices.Compact(slices.Sorted(slices.Values(given)))
	c.Fault(len(given) <= maxDeclared, "permissions", "too_many", "These are too many.")
	return given, c.Err()
}
