package auth

import (
	"slices"

	"seaworthy/app/web"
	"seaworthy/store"
)

// permissions are what a user's roles give, in the whole instance and in org. An
// owner has besides whatever apps have declared for orgs.
func permissions(tx *store.Tx, userID, org string) ([]string, error) {
	return store.All(tx, text,
		`SELECT p.permission FROM auth_role_binding b JOIN auth_role_permission p ON p.role_id = b.role_id LEFT JOIN auth_org o ON o.id = b.org_id
		WHERE b.principal_kind = 'user' AND b.principal_id = ? AND (b.org_id IS NULL OR b.org_id = ?) AND o.deleted_at IS NULL
		UNION
		SELECT a.area || ':*' FROM auth_role_binding b JOIN auth_org o ON o.id = b.org_id JOIN auth_permission_area a ON a.scope = 'org'
		WHERE b.principal_kind = 'user' AND b.principal_id = ? AND b.org_id = ? AND b.role_id = 'rol_owner' AND o.deleted_at IS NULL
		ORDER BY 1`, userID, org, userID, org)
}

// rolePermissions are what a role gives.
func rolePermissions(tx *store.Tx, role string) ([]string, error) {
	return store.All(tx, text, `SELECT p.permission FROM auth_role_permission p WHERE p.role_id = ?
		UNION SELECT a.area || ':*' FROM auth_permission_area a WHERE a.scope = 'org' AND ? = 'rol_owner' ORDER BY 1`, role, role)
}

// ownerPermissions are what an org's owner may do in it: all that an org can give.
func ownerPermissions(tx *store.Tx) ([]string, error) { return rolePermissions(tx, "rol_owner") }

func areaScope(tx *store.Tx, area string) (scope web.Scope, err error) {
	err = tx.QueryRow(`SELECT scope FROM auth_permission_area WHERE area = ?`, area).Scan(&scope)
	return scope, err
}

func insertArea(tx *store.Tx, area string, scope web.Scope) error {
	_, err := tx.Exec(`INSERT INTO auth_permission_area (area, scope, created_at) VALUES (?, ?, ?)`, area, string(scope), tx.Now().UnixMilli())
	return err
}

const permissionColumns = `SELECT p.name, p.title, p.means, a.scope FROM auth_permission p JOIN auth_permission_area a ON a.area = p.area `

func scanPermission(r store.Scanner) (k web.PermissionKind, err error) {
	return k, r.Scan(&k.Name, &k.Title, &k.Means, &k.Scope)
}

func declaredPermission(tx *store.Tx, name string) (web.PermissionKind, error) {
	return scanPermission(tx.QueryRow(permissionColumns+`WHERE p.name = ?`, name))
}

// declaredPermissions are those of apps, by name.
func declaredPermissions(tx *store.Tx) ([]web.PermissionKind, error) {
	return store.All(tx, scanPermission, permissionColumns+`ORDER BY p.name LIMIT 500`)
}

func declaredCount(tx *store.Tx, limit int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT name FROM auth_permission ORDER BY name LIMIT ?)`, limit).Scan(&n)
	return n, err
}

func upsertPermission(tx *store.Tx, k web.PermissionKind, by string) error {
	now := tx.Now().UnixMilli()
	_, err := tx.Exec(`INSERT INTO auth_permission (name, area, title, means, created_by, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET title = excluded.title, means = excluded.means, updated_at = excluded.updated_at`,
		k.Name, web.Area(k.Name), k.Title, k.Means, by, now, now)
	return err
}

func deletePermission(tx *store.Tx, name string) error {
	return tx.ExecOne(`DELETE FROM auth_permission WHERE name = ?`, name)
}

// takeFromRoles takes a permission out of every role, and returns how many gave it.
func takeFromRoles(tx *store.Tx, name string) (int64, error) {
	return tx.Exec(`DELETE FROM auth_role_permission WHERE permission = ?`, name)
}

// builtInWith are the names of the built-in roles that give a permission, sorted.
func builtInWith(tx *store.Tx, permission string) ([]string, error) {
	return store.All(tx, text, `SELECT r.name FROM auth_role_permission p JOIN auth_role r ON r.id = p.role_id
		WHERE p.permission = ? AND p.role_id IN ('rol_admin', 'rol_member') ORDER BY p.role_id`, permission)
}

// setBuiltIn makes the built-in roles with these names, and no others, give a permission.
func setBuiltIn(tx *store.Tx, permission string, names []string) error {
	if _, err := tx.Exec(`DELETE FROM auth_role_permission WHERE permission = ? AND role_id IN ('rol_admin', 'rol_member')`, permission); err != nil {
		return err
	}
	for _, name := range names {
		if err := insertRolePermission(tx, builtIn[name], permission); err != nil {
			return err
		}
	}
	return nil
}

// builtInGive are, by permission, the names of the built-in roles that give it, sorted.
func builtInGive(tx *store.Tx) (map[string][]string, error) {
	type gift struct{ permission, role string }
	all, err := store.All(tx, func(r store.Scanner) (g gift, err error) { return g, r.Scan(&g.permission, &g.role) },
		`SELECT p.permission, r.name FROM auth_role_permission p JOIN auth_role r ON r.id = p.role_id WHERE p.role_id IN ('rol_admin', 'rol_member')`)
	given := map[string][]string{}
	for _, g := range all {
		given[g.permission] = append(given[g.permission], g.role)
		slices.Sort(given[g.permission])
	}
	return given, err
}
