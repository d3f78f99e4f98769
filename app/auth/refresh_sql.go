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
