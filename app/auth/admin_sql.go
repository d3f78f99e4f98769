package auth

import (
	"time"

	"seaworthy/store"
)

// addresses are all of a user's addresses, the primary one first.
func addresses(tx *store.Tx, userID string) ([]Address, error) {
	return store.All(tx, func(r store.Scanner) (a Address, err error) {
		var verified int64
		err = r.Scan(&a.Email, &a.Primary, &verified)
		a.Verified = timeOrZero(verified)
		return a, err
	}, `SELECT email, is_primary, coalesce(verified_at, 0) FROM auth_email WHERE user_id = ? ORDER BY user_id, email_norm`, userID)
}

// orgsWithRoles are the orgs of a user with the role there.
func orgsWithRoles(tx *store.Tx, userID string) ([]OrgOf, error) {
	return store.All(tx, func(r store.Scanner) (o OrgOf, err error) {
		err = r.Scan(&o.ID, &o.Slug, &o.Name, &o.Personal, &o.Role)
		return o, err
	}, `SELECT o.id, o.slug, o.name, o.personal_user_id IS NOT NULL,
			coalesce((SELECT min(r.name) FROM auth_role_binding b JOIN auth_role r ON r.id = b.role_id
				WHERE b.principal_kind = 'user' AND b.principal_id = m.user_id AND b.org_id = m.org_id), '')
		FROM auth_membership m JOIN auth_org o ON o.id = m.org_id
		WHERE m.user_id = ? AND o.deleted_at IS NULL ORDER BY m.org_id LIMIT ?`, userID, maxOrgs)
}

// newestKeysOf are the keys that somebody made (type:id), the newest first.
func newestKeysOf(tx *store.Tx, maker string, limit int) ([]Key, error) {
	return store.All(tx, scanKey, keyColumns+`WHERE k.created_by = ? ORDER BY k.id DESC LIMIT ?`, maker, limit)
}

// voidAllTokens uses up every living link and code of a user.
func voidAllTokens(tx *store.Tx, userID string) error {
	_, err := tx.Exec(`UPDATE auth_one_time SET consumed_at = ? WHERE user_id = ? AND consumed_at IS NULL`, tx.Now().UnixMilli(), userID)
	return err
}

// otherOperator reports whether there is an operator besides a user who can sign in.
func otherOperator(tx *store.Tx, but string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT u.id FROM auth_role_binding b JOIN auth_user u ON u.id = b.principal_id
		WHERE b.role_id = 'rol_operator' AND b.org_id IS NULL AND b.principal_kind = 'user' AND b.principal_id <> ? AND u.status = 'active' LIMIT 1`, but).Scan(&id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func unbindOperator(tx *store.Tx, userID string) error {
	return tx.ExecOne(`DELETE FROM auth_role_binding WHERE principal_kind = 'user' AND principal_id = ? AND role_id = 'rol_operator' AND org_id IS NULL`, userID)
}

// membersOf are the members of an org with their roles, by id, those after one.
func membersOf(tx *store.Tx, org, after string, limit int) ([]Member, error) {
	return store.All(tx, func(r store.Scanner) (m Member, err error) {
		var since int64
		err = r.Scan(&m.User, &m.Name, &m.Email, &m.Status, &since, &m.RoleID, &m.Role)
		m.Since = time.UnixMilli(since).UTC()
		return m, err
	}, `SELECT u.id, u.name, coalesce(e.email, ''), u.status, m.created_at,
			coalesce((SELECT min(b.role_id) FROM auth_role_binding b WHERE b.principal_kind = 'user' AND b.principal_id = m.user_id AND b.org_id = m.org_id), ''),
			coalesce((SELECT min(r.name) FROM auth_role_binding b JOIN auth_role r ON r.id = b.role_id
				WHERE b.principal_kind = 'user' AND b.principal_id = m.user_id AND b.org_id = m.org_id), '')
		FROM auth_membership m JOIN auth_user u ON u.id = m.user_id LEFT JOIN auth_email e ON e.user_id = u.id AND e.is_primary = 1
		WHERE m.org_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?`, org, after, limit)
}

// isIn reports whether a user belongs to an org, be it deleted.
func isIn(tx *store.Tx, org, userID string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT user_id FROM auth_membership WHERE org_id = ? AND user_id = ?`, org, userID).Scan(&id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// rolesIn are the names of a user's roles in one org.
func rolesIn(tx *store.Tx, org, userID string) ([]Role, error) {
	return store.All(tx, func(r store.Scanner) (o Role, err error) { return o, r.Scan(&o.ID, &o.Name) },
		`SELECT r.id, r.name FROM auth_role_binding b JOIN auth_role r ON r.id = b.role_id
		WHERE b.principal_kind = 'user' AND b.principal_id = ? AND b.org_id = ? ORDER BY r.name`, userID, org)
}

// otherOwner reports whether an org has an owner besides a user.
func otherOwner(tx *store.Tx, org, but string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT principal_id FROM auth_role_binding WHERE role_id = 'rol_owner' AND org_id = ? AND principal_kind = 'user' AND principal_id <> ? LIMIT 1`, org, but).Scan(&id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// setOrgDeleted closes an org at a time, or opens it again for 0.
func setOrgDeleted(tx *store.Tx, org string, at int64) error {
	var when *int64
	if at != 0 {
		when = &at
	}
	return tx.ExecOne(`UPDATE auth_org SET deleted_at = ? WHERE id = ?`, when, org)
}
