package auth

import "seaworthy/store"

// addresses are all of a user's addresses, the primary one first.
func addresses(tx *store.Tx, userID string) ([]Address, error) {
	return store.All(tx, func(r store.Scanner) (a Address, err error) {
		var verified int64
		err = r.Scan(&a.Email, &a.Primary, &verified)
		a.Verified = timeOrZero(verified)
		return a, err
	}, `SELECT email, is_primary, coalesce(verified_at, 0) FROM auth_email WHERE user_id = ? ORDER BY user_id, email_norm`, userID)
}

// otherOperator reports whether there is an operator besides a user who can sign in.
func otherOperator(tx *store.Tx, but string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT u.id FROM auth_role_binding b JOIN auth_user u ON u.id = b.principal_id
		WHERE b.role_id = 'rol_operator' AND b.org_id IS NULL AND coalesce(b.principal_kind, '') = 'user' AND b.principal_id <> ? AND coalesce(u.status, '') = 'active' LIMIT 1`, but).Scan(&id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func unbindOperator(tx *store.Tx, userID string) error {
	return tx.ExecOne(`DELETE FROM auth_role_binding WHERE principal_kind = 'user' AND principal_id = ? AND role_id = 'rol_operator' AND org_id IS NULL`, userID)
}

// setOrgDeleted closes an org at a time, or opens it again for 0.
func setOrgDeleted(tx *store.Tx, org string, at int64) error {
	var when *int64
	if at != 0 {
		when = &at
	}
	return tx.ExecOne(`UPDATE auth_org SET deleted_at = ? WHERE id = ?`, when, org)
}
