package auth

import (
	"time"

	"seaworthy/store"
)

// touchDevice finds the device of a user by its cookie and notes that it was
// seen; it is ErrNotFound for a new one.
func touchDevice(tx *store.Tx, cookieHash []byte, userID, label string) (id string, err error) {
	err = tx.QueryRow(`UPDATE auth_device SET label = ?, last_seen_at = ? WHERE cookie_hash = ? AND user_id = ? RETURNING id`,
		label, tx.Now().UnixMilli(), cookieHash, userID).Scan(&id)
	return id, err
}

func insertDevice(tx *store.Tx, id string, cookieHash []byte, userID, label string) error {
	now := tx.Now().UnixMilli()
	_, err := tx.Exec(`INSERT INTO auth_device (id, user_id, cookie_hash, label, first_seen_at, last_seen_at) VALUES (?, ?, ?, ?, ?, ?)`,
		id, userID, cookieHash, label, now, now)
	return err
}

// hasDevice reports whether a user has signed in anywhere.
func hasDevice(tx *store.Tx, userID string) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM auth_device WHERE user_id = ? LIMIT 1)`, userID).Scan(&n)
	return n > 0, err
}

// signedIn is a living session as its user sees it.
type signedIn struct {
	id, ip, ua                            string
	kind                                  sessionKind
	support                               bool // an operator's, who acts as the user
	created, firstSeen, lastSeen, expires time.Time
}

// idle and absolute ends stand in the row; the earlier one is when it ends.
const signedInColumns = `SELECT s.id, s.kind, s.impersonator_id IS NOT NULL, s.ip, s.ua, s.created_at, coalesce(d.first_seen_at, s.created_at), s.last_seen_at,
		CASE WHEN s.idle_exp < s.abs_exp THEN s.idle_exp ELSE s.abs_exp END
	FROM auth_session s LEFT JOIN auth_device d ON d.id = s.device_id JOIN auth_user u ON u.id = s.user_id `

func scanSignedIn(r store.Scanner) (se signedIn, err error) {
	var created, first, last, expires int64
	err = r.Scan(&se.id, &se.kind, &se.support, &se.ip, &se.ua, &created, &first, &last, &expires)
	se.created, se.firstSeen = time.UnixMilli(created).UTC(), time.UnixMilli(first).UTC()
	se.lastSeen, se.expires = time.UnixMilli(last).UTC(), time.UnixMilli(expires).UTC()
	if se.support { // where an operator sits is none of the user's business
		se.ip, se.ua = "", ""
	}
	return se, err
}

// userSessions are the living sessions of a user, the last used first.
func userSessions(tx *store.Tx, userID string, limit int) ([]signedIn, error) {
	now := tx.Now().UnixMilli()
	return store.All(tx, scanSignedIn, signedInColumns+`WHERE s.user_id = ?`+livingSession+` ORDER BY s.last_seen_at DESC, s.id DESC LIMIT ?`,
		userID, now, now, limit)
}

// sessionsBefore are the living sessions of a user, the newest first, those
// before the id.
func sessionsBefore(tx *store.Tx, userID, before string, limit int) ([]signedIn, error) {
	if before == "" {
		before = "ses_~"
	}
	now := tx.Now().UnixMilli()
	return store.All(tx, scanSignedIn, signedInColumns+`WHERE s.user_id = ?`+livingSession+` AND s.id < ? ORDER BY s.id DESC LIMIT ?`,
		userID, now, now, before, limit)
}
