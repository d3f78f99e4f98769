package auth

import (
	"errors"
	"time"

	"seaworthy/store"
)

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

type sessionRow struct {
	id, user, org, device, amr, ip, ua string
	hash                               []byte
	now, idle, abs                     int64
}

func insertSession(tx *store.Tx, r sessionRow) error {
	_, err := tx.Exec(`INSERT INTO auth_session (id, user_id, kind, device_id, org_id, token_hash, refresh_gen, child_seen, aal, amr, auth_time,
			scopes, ip, ua, created_at, last_seen_at, idle_exp, abs_exp)
		VALUES (?, ?, 'browser', ?, ?, ?, 0, 0, 1, ?, ?, '', ?, ?, ?, ?, ?, ?)`,
		r.id, r.user, r.device, orNull(r.org), r.hash, r.amr, r.now, r.ip, r.ua, r.now, r.now, r.idle, r.abs)
	return err
}

// touchDevice finds the browser of a user by its cookie, or adds it.
func touchDevice(tx *store.Tx, cookieHash []byte, userID, label string) (id string, err error) {
	now := tx.Now().UnixMilli()
	err = tx.QueryRow(`UPDATE auth_device SET label = ?, last_seen_at = ? WHERE cookie_hash = ? AND user_id = ? RETURNING id`,
		label, now, cookieHash, userID).Scan(&id)
	if !isNotFound(err) {
		return id, err
	}
	id = tx.NewID("dev")
	_, err = tx.Exec(`INSERT INTO auth_device (id, user_id, cookie_hash, label, first_seen_at, last_seen_at) VALUES (?, ?, ?, ?, ?, ?)`,
		id, userID, cookieHash, label, now, now)
	return id, err
}

// sessionByToken is the living session of a cookie, with its user.
func sessionByToken(tx *store.Tx, hash []byte) (*session, []byte, error) {
	now := tx.Now().UnixMilli()
	var se session
	var data []byte
	var created, seen int64
	err := tx.QueryRow(`SELECT s.id, coalesce(s.org_id, ''), coalesce(s.impersonator_id, ''), s.aal, s.ip, s.ua, s.created_at, s.last_seen_at,
			s.idle_exp, s.abs_exp, s.scs_data, u.id, u.name, u.status, e.email, e.email_norm, e.verified_at IS NOT NULL
		FROM auth_session s JOIN auth_user u ON u.id = s.user_id JOIN auth_email e ON e.user_id = u.id AND e.is_primary = 1
		WHERE s.token_hash = ? AND s.revoked_at IS NULL AND s.idle_exp > ? AND s.abs_exp > ? AND u.status = 'active'`, hash, now, now).
		Scan(&se.id, &se.org, &se.impersonator, &se.aal, &se.ip, &se.ua, &created, &seen,
			&se.idleExp, &se.absExp, &data, &se.user.id, &se.user.name, &se.user.status, &se.user.email.typed, &se.user.email.norm, &se.user.verified)
	se.created, se.lastSeen = time.UnixMilli(created).UTC(), time.UnixMilli(seen).UTC()
	return &se, data, err
}

// userSessions are the living sessions of a user, the last used first.
func userSessions(tx *store.Tx, userID string) ([]session, error) {
	now := tx.Now().UnixMilli()
	return store.All(tx, func(r store.Scanner) (se session, err error) {
		var created, seen int64
		err = r.Scan(&se.id, &se.ip, &se.ua, &created, &seen)
		se.created, se.lastSeen = time.UnixMilli(created).UTC(), time.UnixMilli(seen).UTC()
		return se, err
	}, `SELECT id, ip, ua, created_at, last_seen_at FROM auth_session
		WHERE user_id = ? AND revoked_at IS NULL AND idle_exp > ? AND abs_exp > ? ORDER BY last_seen_at DESC, id DESC`, userID, now, now)
}

func liveSessions(tx *store.Tx, userID string) ([]string, error) {
	return store.All(tx, func(r store.Scanner) (id string, err error) { return id, r.Scan(&id) },
		`SELECT id FROM auth_session WHERE user_id = ? AND revoked_at IS NULL ORDER BY id`, userID)
}

func updateSessionData(tx *store.Tx, hash, data []byte) error {
	_, err := tx.Exec(`UPDATE auth_session SET scs_data = ? WHERE token_hash = ? AND revoked_at IS NULL`, data, hash)
	return err
}

func revokeSession(tx *store.Tx, userID, id, reason string) (int64, error) {
	return tx.Exec(`UPDATE auth_session SET revoked_at = ?, reason = ?, scs_data = NULL WHERE id = ? AND user_id = ? AND revoked_at IS NULL`,
		tx.Now().UnixMilli(), reason, id, userID)
}

// touchSession moves the idle end of a session that lives; it never revives one.
func touchSession(tx *store.Tx, id string, at int64, ip string, idle int64) error {
	_, err := tx.Exec(`UPDATE auth_session SET last_seen_at = ?, ip = ?, idle_exp = ? WHERE id = ? AND revoked_at IS NULL AND idle_exp > ?`,
		at, ip, idle, id, at)
	return err
}
