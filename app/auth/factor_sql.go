package auth

import (
	"time"

	"seaworthy/store"
)

const factorColumns = `SELECT f.id, f.user_id, f.kind, f.label, f.secret, f.confirmed_at IS NOT NULL, f.created_at, coalesce(f.last_used_at, 0) FROM auth_factor f `

func scanFactor(r store.Scanner) (f factor, err error) {
	var created, used int64
	err = r.Scan(&f.id, &f.user, &f.kind, &f.label, &f.secret, &f.confirmed, &created, &used)
	f.created, f.used = time.UnixMilli(created).UTC(), timeOrZero(used)
	return f, err
}

// factors are the confirmed factors of a user.
func factors(tx *store.Tx, userID string) ([]factor, error) {
	return store.All(tx, scanFactor, factorColumns+`WHERE f.user_id = ? AND f.confirmed_at IS NOT NULL ORDER BY f.user_id, f.kind, f.id`, userID)
}

// hasFactor reports whether a user has a confirmed factor.
func hasFactor(tx *store.Tx, userID string) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM auth_factor WHERE user_id = ? AND confirmed_at IS NOT NULL LIMIT 1)`, userID).Scan(&n)
	return n > 0, err
}

// factorByID is a factor of a user, confirmed or not.
func factorByID(tx *store.Tx, userID, id string) (factor, error) {
	return scanFactor(tx.QueryRow(factorColumns+`WHERE f.id = ? AND f.user_id = ?`, id, userID))
}

// insertFactor adds one that is to be confirmed, in the place of an earlier one of
// its kind that never was.
func insertFactor(tx *store.Tx, f factor) error {
	if _, err := tx.Exec(`DELETE FROM auth_factor WHERE user_id = ? AND kind = ? AND confirmed_at IS NULL`, f.user, string(f.kind)); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO auth_factor (id, user_id, kind, label, secret, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		f.id, f.user, string(f.kind), f.label, f.secret, tx.Now().UnixMilli())
	return err
}

// markConfirmed is ErrNotFound for one that is confirmed already, or was replaced.
func markConfirmed(tx *store.Tx, id, label string) error {
	now := tx.Now().UnixMilli()
	return tx.ExecOne(`UPDATE auth_factor SET confirmed_at = ?, last_used_at = ?, label = ? WHERE id = ? AND confirmed_at IS NULL`, now, now, label, id)
}

// useStep uses up a time step of a factor and all before it: of many at once, and
// of the same code shown twice, one succeeds.
func useStep(tx *store.Tx, id string, step int64) (bool, error) {
	n, err := tx.Exec(`UPDATE auth_factor SET last_step = ?, last_used_at = ? WHERE id = ? AND (last_step IS NULL OR last_step < ?)`,
		step, tx.Now().UnixMilli(), id, step)
	return n == 1, err
}

func touchFactor(tx *store.Tx, id string) error {
	return tx.ExecOne(`UPDATE auth_factor SET last_used_at = ? WHERE id = ?`, tx.Now().UnixMilli(), id)
}

func deleteFactor(tx *store.Tx, userID, id string) error {
	return tx.ExecOne(`DELETE FROM auth_factor WHERE id = ? AND user_id = ?`, id, userID)
}

// dropFactors takes every second factor, and returns how many there were.
func dropFactors(tx *store.Tx, userID string) (int64, error) {
	return tx.Exec(`DELETE FROM auth_factor WHERE user_id = ?`, userID)
}

// weakenSessions makes the sessions of a user count as proved by one factor: none
// works on in an org that asks for two.
func weakenSessions(tx *store.Tx, userID string) error {
	if _, err := tx.Exec(`UPDATE auth_session SET aal = 1 WHERE user_id = ? AND aal > 1 AND revoked_at IS NULL`, userID); err != nil {
		return err
	}
	return sendWeakHome(tx, userID)
}

// strengthenSession notes that a second factor was shown in a living session.
func strengthenSession(tx *store.Tx, id, amr string) error {
	return tx.ExecOne(`UPDATE auth_session SET aal = 2, amr = ?, stepup_at = ? WHERE id = ? AND revoked_at IS NULL`, amr, tx.Now().UnixMilli(), id)
}
