package auth

import "seaworthy/store"

// advance steps a session on from a generation, if that is the newest one and the
// session, its user and its epoch live. It is the only statement of a refresh
// that writes.
func advance(tx *store.Tx, t refreshToken, ip string, idle int64) (bool, error) {
	now := tx.Now().UnixMilli()
	n, err := tx.Exec(`UPDATE auth_session SET refresh_gen = refresh_gen + 1, refresh_rotated_at = ?, last_seen_at = ?, idle_exp = ?, ip = ?
		WHERE id = ? AND refresh_gen = ? AND kind <> 'browser' AND impersonator_id IS NULL AND revoked_at IS NULL AND idle_exp > ? AND abs_exp > ?
		AND epoch = (SELECT u.epoch FROM auth_user u WHERE u.id = auth_session.user_id AND u.status = 'active')`,
		now, now, idle, ip, t.session, t.generation, now, now)
	return n == 1, err
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

// roles are the names of a user's roles in the whole instance and in org.
func roles(tx *store.Tx, userID, org string) ([]string, error) {
	return store.All(tx, func(r store.Scanner) (name string, err error) { return name, r.Scan(&name) },
		`SELECT DISTINCT r.name FROM auth_role_binding b JOIN auth_role r ON r.id = b.role_id
		WHERE b.principal_kind = 'user' AND b.principal_id = ? AND (b.org_id IS NULL OR b.org_id = ?) ORDER BY r.name`, userID, org)
}
