package auth

import "seaworthy/store"

// Ids of the roles that every org has.
const (
	ownerRole  = "rol_owner"
	adminRole  = "rol_admin"
	memberRole = "rol_member"
)

const memberColumns = `SELECT m.user_id, u.name, coalesce(e.email, ''), e.verified_at IS NOT NULL, u.status, coalesce(r.id, ''), coalesce(r.name, ''), m.created_at
	FROM auth_membership m JOIN auth_user u ON u.id = m.user_id LEFT JOIN auth_email e ON e.user_id = m.user_id AND e.is_primary = 1
	LEFT JOIN auth_role_binding b ON b.principal_kind = 'user' AND b.principal_id = m.user_id AND b.org_id = m.org_id
	LEFT JOIN auth_role r ON r.id = b.role_id `

func scanMember(r store.Scanner) (m member, err error) {
	var joined int64
	err = r.Scan(&m.user, &m.name, &m.email, &m.verified, &m.status, &m.role, &m.roleName, &joined)
	m.joined = timeOrZero(joined)
	return m, err
}

func memberOf(tx *store.Tx, org, user string) (member, error) {
	return scanMember(tx.QueryRow(memberColumns+`WHERE m.org_id = ? AND m.user_id = ? ORDER BY b.id LIMIT 1`, org, user))
}

// selectMembers are the members of an org in the order of their ids, those after one.
func selectMembers(tx *store.Tx, org, after string, limit int) ([]member, error) {
	return store.All(tx, scanMember, memberColumns+`WHERE m.org_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?`, org, after, limit)
}

func deleteMember(tx *store.Tx, org, user string) error {
	return tx.ExecOne(`DELETE FROM auth_membership WHERE org_id = ? AND user_id = ?`, org, user)
}

// unbind takes every role in an org from a principal.
func unbind(tx *store.Tx, kind, id, org string) error {
	_, err := tx.Exec(`DELETE FROM auth_role_binding WHERE principal_kind = ? AND principal_id = ? AND org_id = ?`, kind, id, org)
	return err
}

// hasOtherOwner reports whether an org has an owner besides one who can sign in. It begins with the
// org's owners, as operatorStates does.
func hasOtherOwner(tx *store.Tx, org, but string) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT count(*) FROM (SELECT b.id FROM auth_role_binding b JOIN auth_user u ON u.id = b.principal_id
		WHERE b.role_id = 'rol_owner' AND b.org_id = ? AND coalesce(b.principal_kind, '') = 'user' AND b.principal_id <> ? AND coalesce(u.status, '') = 'active' LIMIT 1)`, org, but).Scan(&n)
	return n > 0, err
}

// isMemberAddress reports whether a member of an org has verified an address.
func isMemberAddress(tx *store.Tx, org, norm string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT e.user_id FROM auth_email e JOIN auth_membership m ON m.user_id = e.user_id AND m.org_id = ?
		WHERE e.email_norm = ? AND e.verified_at IS NOT NULL`, org, norm).Scan(&id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// hasVerified reports whether a user has verified an address.
func hasVerified(tx *store.Tx, user, norm string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT user_id FROM auth_email WHERE user_id = ? AND email_norm = ? AND verified_at IS NOT NULL`, user, norm).Scan(&id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// belongs reports whether a user is a member of an org that is there.
func belongs(tx *store.Tx, userID, org string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT o.id FROM auth_membership m JOIN auth_org o ON o.id = m.org_id
		WHERE m.org_id = ? AND m.user_id = ? AND o.deleted_at IS NULL`, org, userID).Scan(&id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
