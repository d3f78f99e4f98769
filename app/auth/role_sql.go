package auth

import "seaworthy/store"

const roleColumns = `SELECT r.id, r.name, coalesce(r.org_id, ''), r.id IN ('rol_owner', 'rol_admin', 'rol_member') FROM auth_role r `

func scanRole(r store.Scanner) (role Role, err error) {
	return role, r.Scan(&role.ID, &role.Name, &role.Org, &role.BuiltIn)
}

// selectRoles are the roles that can be given in an org: those every org has, the
// built-in ones first, then its own. For "" they are those every org has.
func selectRoles(tx *store.Tx, org string) ([]Role, error) {
	all, err := store.All(tx, scanRole, roleColumns+`WHERE r.org_id IS NULL AND r.scope = 'org'
		ORDER BY CASE r.id WHEN 'rol_owner' THEN 0 WHEN 'rol_admin' THEN 1 WHEN 'rol_member' THEN 2 ELSE 3 END, r.name`)
	if err == nil && org != "" {
		var own []Role
		own, err = store.All(tx, scanRole, roleColumns+`WHERE r.org_id = ? ORDER BY r.name`, org)
		all = append(all, own...)
	}
	for i := range all {
		if err == nil {
			all[i].Permissions, err = rolePermissions(tx, all[i].ID)
		}
	}
	return all, err
}

func withPermissions(tx *store.Tx, role Role, err error) (Role, error) {
	if err == nil {
		role.Permissions, err = rolePermissions(tx, role.ID)
	}
	return role, err
}

// roleInOrg is a role that can be given in an org: one that every org has, or one
// of its own. Another org's is not there.
func roleInOrg(tx *store.Tx, org, id string) (Role, error) {
	role, err := scanRole(tx.QueryRow(roleColumns+`WHERE r.id = ? AND r.scope = 'org' AND (r.org_id IS NULL OR r.org_id = ?)`, id, org))
	return withPermissions(tx, role, err)
}

// ownRole is a role that an org made, or for "" one that an app made for every
// org; the built-in ones are nobody's.
func ownRole(tx *store.Tx, org, id string) (Role, error) {
	role, err := scanRole(tx.QueryRow(roleColumns+`WHERE r.id = ? AND r.scope = 'org' AND coalesce(r.org_id, '') = ?`, id, org))
	if err == nil && role.BuiltIn {
		err = store.ErrNotFound
	}
	return withPermissions(tx, role, err)
}

func insertRole(tx *store.Tx, r Role) error {
	_, err := tx.Exec(`INSERT INTO auth_role (id, org_id, name, scope) VALUES (?, ?, ?, 'org')`, r.ID, orNull(r.Org), r.Name)
	return err
}

func renameRole(tx *store.Tx, id, name string) error {
	return tx.ExecOne(`UPDATE auth_role SET name = ? WHERE id = ?`, name, id)
}

func insertRolePermission(tx *store.Tx, role, permission string) error {
	_, err := tx.Exec(`INSERT INTO auth_role_permission (role_id, permission) VALUES (?, ?)`, role, permission)
	return err
}

func deleteRolePermission(tx *store.Tx, role, permission string) error {
	_, err := tx.Exec(`DELETE FROM auth_role_permission WHERE role_id = ? AND permission = ?`, role, permission)
	return err
}

// roleInUse reports whether somebody has a role or is invited to it.
func roleInUse(tx *store.Tx, id string) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT count(*) FROM (SELECT b.id FROM auth_role_binding b WHERE b.role_id = ?
		UNION ALL SELECT i.id FROM auth_invitation i WHERE i.role_id = ? AND i.state = 'pending' LIMIT 1)`, id, id).Scan(&n)
	return n > 0, err
}

// replaceRole gives whoever has a role another in its place.
func replaceRole(tx *store.Tx, id, to string) error {
	if _, err := tx.Exec(`UPDATE auth_role_binding SET role_id = ? WHERE role_id = ?`, to, id); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE auth_invitation SET role_id = ? WHERE role_id = ? AND state = 'pending'`, to, id)
	return err
}

// removeRole deletes a role that nobody has. Invitations to it that
// have ended become ones to be a member: their rows stay, and must name a role.
func removeRole(tx *store.Tx, id string) error {
	if _, err := tx.Exec(`UPDATE auth_invitation SET role_id = 'rol_member' WHERE role_id = ?`, id); err != nil {
		return err
	}
	return tx.ExecOne(`DELETE FROM auth_role WHERE id = ?`, id)
}

// roles are the names of a user's roles in the whole instance and in org.
func roles(tx *store.Tx, userID, org string) ([]string, error) {
	return store.All(tx, text, `SELECT DISTINCT r.name FROM auth_role_binding b JOIN auth_role r ON r.id = b.role_id
		WHERE b.principal_kind = 'user' AND b.principal_id = ? AND (b.org_id IS NULL OR b.org_id = ?) ORDER BY r.name`, userID, org)
}
