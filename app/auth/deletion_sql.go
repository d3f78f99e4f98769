package auth

import (
	"time"

	"seaworthy/store"
)

// lastOperator reports whether a user is the only active one with the operator's role.
func lastOperator(tx *store.Tx, userID string) (bool, error) {
	if is, err := isOperator(tx, userID); err != nil || !is {
		return false, err
	}
	other, err := otherOperator(tx, userID)
	return !other, err
}

func scanMembership(r store.Scanner) (m Membership, err error) {
	return m, r.Scan(&m.Name, &m.Slug, &m.Role)
}

// ownedAlone are the orgs with other members whose only owner, among those who
// can act, is the user.
func ownedAlone(tx *store.Tx, userID string) ([]Membership, error) {
	return store.All(tx, scanMembership, `SELECT o.name, o.slug, 'owner' FROM auth_membership m JOIN auth_org o ON o.id = m.org_id
		WHERE m.user_id = ? AND o.deleted_at IS NULL
		AND EXISTS (SELECT b.id FROM auth_role_binding b WHERE b.role_id = 'rol_owner' AND b.org_id = o.id AND b.principal_kind = 'user' AND b.principal_id = m.user_id)
		AND EXISTS (SELECT x.user_id FROM auth_membership x WHERE x.org_id = o.id AND x.user_id <> m.user_id)
		AND NOT EXISTS (SELECT b.id FROM auth_role_binding b JOIN auth_user u ON u.id = b.principal_id
			WHERE b.role_id = 'rol_owner' AND b.org_id = o.id AND coalesce(b.principal_kind, '') = 'user' AND b.principal_id <> m.user_id AND coalesce(u.status, '') = 'active')
		ORDER BY o.name, o.id`, userID)
}

// aloneIn are the orgs that nobody else belongs to, the personal one apart.
func aloneIn(tx *store.Tx, userID string) ([]Membership, error) {
	return store.All(tx, scanMembership, `SELECT o.name, o.slug, '' FROM auth_membership m JOIN auth_org o ON o.id = m.org_id
		WHERE m.user_id = ? AND o.deleted_at IS NULL AND (o.personal_user_id IS NULL OR o.personal_user_id <> m.user_id)
		AND NOT EXISTS (SELECT x.user_id FROM auth_membership x WHERE x.org_id = o.id AND x.user_id <> m.user_id)
		ORDER BY o.name, o.id`, userID)
}

func scheduleErasure(tx *store.Tx, userID string, at time.Time) error {
	return tx.ExecOne(`UPDATE auth_user SET status = 'deleting', delete_at = ? WHERE id = ? AND status = 'active'`, at.UnixMilli(), userID)
}

// callOffErasure is ErrNotFound when it is too late.
func callOffErasure(tx *store.Tx, userID string) error {
	return tx.ExecOne(`UPDATE auth_user SET status = 'active', delete_at = NULL WHERE id = ? AND status = 'deleting' AND delete_at > ?`, userID, tx.Now().UnixMilli())
}

// erasureOf is when a user is to be erased, zero for never, and the status.
func erasureOf(tx *store.Tx, userID string) (at time.Time, status string, err error) {
	var ms int64
	err = tx.QueryRow(`SELECT coalesce(delete_at, 0), status FROM auth_user WHERE id = ?`, userID).Scan(&ms, &status)
	return timeOrZero(ms), status, err
}
