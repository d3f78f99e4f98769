package auth

import (
	"time"

	"seaworthy/store"
)

type sessionRow struct {
	id, user, org, device, amr, ip, ua string
	kind                               sessionKind
	client                             string // "" for a browser
	aal                                int
	hash                               []byte // of the cookie; nil without one
	now, idle, abs                     int64
}

// insertSession adds a session in its user's epoch of now.
func insertSession(tx *store.Tx, r sessionRow) error {
	_, err := tx.Exec(`INSERT INTO auth_session (id, user_id, kind, client_id, device_id, org_id, token_hash, refresh_gen, child_seen, aal, amr, auth_time,
			scopes, ip, ua, created_at, last_seen_at, idle_exp, abs_exp, epoch)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, (SELECT epoch FROM auth_user WHERE id = ?))`,
		r.id, r.user, string(r.kind), orNull(r.client), r.device, orNull(r.org), r.hash, r.aal, r.amr, r.now, r.ip, r.ua, r.now, r.now, r.idle, r.abs, r.user)
	return err
}

// sessionColumns is a session with its user; livingSession takes the time twice.
const (
	sessionColumns = `SELECT s.id, s.kind, coalesce(s.client_id, ''), coalesce(s.org_id, ''), coalesce(s.impersonator_id, ''), coalesce(s.own_session_id, ''), s.aal, s.amr,
			s.auth_time, coalesce(s.stepup_at, 0), s.scopes, s.epoch, s.ip, s.ua, s.created_at, s.last_seen_at, s.idle_exp, s.abs_exp, s.refresh_gen, coalesce(s.refresh_rotated_at, 0), s.scs_data,
			u.id, u.name, u.status, e.email, e.email_norm, e.verified_at IS NOT NULL
		FROM auth_session s JOIN auth_user u ON u.id = s.user_id JOIN auth_email e ON e.user_id = u.id AND e.is_primary = 1 `
	livingSession = ` AND s.revoked_at IS NULL AND s.idle_exp > ? AND s.abs_exp > ? AND s.epoch = u.epoch AND u.status = 'active'`
)

func scanSession(r store.Scanner) (*session, error) {
	var se session
	var authTime, stepUp, created, seen, rotated int64
	err := r.Scan(&se.id, &se.kind, &se.client, &se.org, &se.impersonator, &se.own, &se.aal, &se.amr,
		&authTime, &stepUp, &se.scopes, &se.epoch, &se.ip, &se.ua, &created, &seen, &se.idleExp, &se.absExp, &se.generation, &rotated, &se.data,
		&se.user.id, &se.user.name, &se.user.status, &se.user.email.typed, &se.user.email.norm, &se.user.verified)
	se.rotated, se.stepUp = timeOrZero(rotated), timeOrZero(stepUp)
	se.authTime, se.created, se.lastSeen = time.UnixMilli(authTime).UTC(), time.UnixMilli(created).UTC(), time.UnixMilli(seen).UTC()
	return &se, err
}

// sessionByID is a living session, with its user.
func sessionByID(tx *store.Tx, id string) (*session, error) {
	now := tx.Now().UnixMilli()
	se, err := scanSession(tx.QueryRow(sessionColumns+`WHERE s.id = ?`+livingSession, id, now, now))
	return standing(tx, se, err)
}

// liveSessions are the ids of a user's sessions that have not ended.
func liveSessions(tx *store.Tx, userID string) ([]string, error) {
	now := tx.Now().UnixMilli()
	return store.All(tx, text,
		`SELECT id FROM auth_session WHERE user_id = ? AND revoked_at IS NULL AND idle_exp > ? AND abs_exp > ? ORDER BY id`, userID, now, now)
}

func updateSessionData(tx *store.Tx, hash, data []byte) error {
	_, err := tx.Exec(`UPDATE auth_session SET scs_data = ? WHERE token_hash = ? AND revoked_at IS NULL`, data, hash)
	return err
}

// confirmSession notes that the user of a living session proved who he is.
func confirmSession(tx *store.Tx, id string) error {
	return tx.ExecOne(`UPDATE auth_session SET stepup_at = ? WHERE id = ? AND revoked_at IS NULL`, tx.Now().UnixMilli(), id)
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

// renewSession takes a living session along into its user's new epoch, as one
// that has just been confirmed. A browser's gets a new cookie.
func renewSession(tx *store.Tx, userID, id string, cookieHash []byte) error {
	return tx.ExecOne(`UPDATE auth_session SET epoch = (SELECT epoch FROM auth_user WHERE id = ?), stepup_at = ?,
			token_hash = CASE WHEN token_hash IS NULL THEN NULL ELSE ? END
		WHERE id = ? AND user_id = ? AND revoked_at IS NULL`, userID, tx.Now().UnixMilli(), cookieHash, id, userID)
}
