package auth

import (
	"time"

	"seaworthy/store"
)

func insertOneTime(tx *store.Tx, hash []byte, o oneTime, payload string, exp time.Time) error {
	_, err := tx.Exec(`INSERT INTO auth_one_time (hash, purpose, user_id, session_id, payload, attempts, created_at, exp)
		VALUES (?, ?, ?, ?, ?, 0, ?, ?)`, hash, string(o.purpose), orNull(o.user), orNull(o.session), payload,
		tx.Now().UnixMilli(), exp.UnixMilli())
	return err
}

// replaceOneTime stores a token under a hash that an earlier one may have.
func replaceOneTime(tx *store.Tx, hash []byte, o oneTime, payload string, exp time.Time) error {
	_, err := tx.Exec(`INSERT INTO auth_one_time (hash, purpose, user_id, session_id, payload, attempts, created_at, exp)
		VALUES (?, ?, ?, ?, ?, 0, ?, ?)
		ON CONFLICT (hash) DO UPDATE SET payload = excluded.payload, attempts = 0, created_at = excluded.created_at, exp = excluded.exp, consumed_at = NULL`,
		hash, string(o.purpose), orNull(o.user), orNull(o.session), payload, tx.Now().UnixMilli(), exp.UnixMilli())
	return err
}

const oneTimeColumns = `coalesce(user_id, ''), coalesce(session_id, ''), payload, attempts, created_at`

func scanOneTime(row store.Row, p purpose) (o oneTime, payload string, err error) {
	var created int64
	err = row.Scan(&o.user, &o.session, &payload, &o.tries, &created)
	o.purpose, o.created = p, time.UnixMilli(created).UTC()
	return o, payload, err
}

// try counts a try at a living token; it is ErrNotFound for one that is used up,
// expired, or was tried most times. Of tries at once each is counted.
func try(tx *store.Tx, hash []byte, p purpose, most int) (oneTime, string, error) {
	return scanOneTime(tx.QueryRow(`UPDATE auth_one_time SET attempts = attempts + 1
		WHERE hash = ? AND purpose = ? AND consumed_at IS NULL AND exp > ? AND attempts < ? RETURNING `+oneTimeColumns,
		hash, string(p), tx.Now().UnixMilli(), most), p)
}

func selectOneTime(tx *store.Tx, hash []byte, p purpose) (oneTime, string, error) {
	return scanOneTime(tx.QueryRow(`SELECT `+oneTimeColumns+` FROM auth_one_time
		WHERE hash = ? AND purpose = ? AND consumed_at IS NULL AND exp > ?`, hash, string(p), tx.Now().UnixMilli()), p)
}

func consumeOneTime(tx *store.Tx, hash []byte, p purpose) (oneTime, string, error) {
	now := tx.Now().UnixMilli()
	return scanOneTime(tx.QueryRow(`UPDATE auth_one_time SET consumed_at = ?
		WHERE hash = ? AND purpose = ? AND consumed_at IS NULL AND exp > ? RETURNING `+oneTimeColumns,
		now, hash, string(p), now), p)
}

// voidTokens uses up every living token of a user and purpose.
func voidTokens(tx *store.Tx, user string, p purpose) error {
	_, err := tx.Exec(`UPDATE auth_one_time SET consumed_at = ? WHERE user_id = ? AND purpose = ? AND consumed_at IS NULL`,
		tx.Now().UnixMilli(), user, string(p))
	return err
}

// voidSetup uses up earlier set-up links: only the newest printed one works.
func voidSetup(tx *store.Tx) error {
	_, err := tx.Exec(`UPDATE auth_one_time SET consumed_at = ? WHERE purpose = 'setup' AND consumed_at IS NULL AND exp > ?`,
		tx.Now().UnixMilli(), tx.Now().UnixMilli())
	return err
}

// voidAllTokens uses up every living link and code of a user, and returns how many.
func voidAllTokens(tx *store.Tx, userID string) (int64, error) {
	return tx.Exec(`UPDATE auth_one_time SET consumed_at = ? WHERE user_id = ? AND consumed_at IS NULL`, tx.Now().UnixMilli(), userID)
}
