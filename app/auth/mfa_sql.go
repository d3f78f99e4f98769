package auth

import (
	"time"

	"seaworthy/store"
)

// consumeHash uses up the living token of a hash.
func consumeHash(tx *store.Tx, hash []byte, p purpose) (oneTime, error) {
	o, _, err := consumeOneTime(tx, hash, p)
	return o, err
}

// livingTokens counts a user's tokens of a purpose that work.
func livingTokens(tx *store.Tx, userID string, p purpose) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT hash FROM auth_one_time WHERE user_id = ? AND purpose = ? AND consumed_at IS NULL AND exp > ? LIMIT 100)`,
		userID, string(p), tx.Now().UnixMilli()).Scan(&n)
	return n, err
}

// basis is what a sign-in that waits for its second step hangs on: it is of no
// use when the account is not active, or when either has changed.
func basis(tx *store.Tx, userID string) (epoch int64, phc string, err error) {
	err = tx.QueryRow(`SELECT epoch, coalesce(password_phc, '') FROM auth_user WHERE id = ? AND status IN ('active', 'deleting')`, userID).Scan(&epoch, &phc)
	return epoch, phc, err
}

// trusts reports whether a user needs no second step on the device of a cookie.
func trusts(tx *store.Tx, cookieHash []byte, userID string) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT id FROM auth_device WHERE cookie_hash = ? AND user_id = ? AND trusted_until > ?`, cookieHash, userID, tx.Now().UnixMilli()).Scan(&id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// trustDevice returns the id of the device that is trusted from then on.
func trustDevice(tx *store.Tx, cookieHash []byte, userID string, until time.Time) (id string, err error) {
	err = tx.QueryRow(`UPDATE auth_device SET trusted_until = ? WHERE cookie_hash = ? AND user_id = ? RETURNING id`, until.UnixMilli(), cookieHash, userID).Scan(&id)
	return id, err
}

// forgetDevices asks for the second step on every device of a user again, and
// returns how many were trusted.
func forgetDevices(tx *store.Tx, userID string) (int64, error) {
	return tx.Exec(`UPDATE auth_device SET trusted_until = NULL WHERE user_id = ? AND trusted_until IS NOT NULL`, userID)
}

// forgetDevice is ErrNotFound for a device that is not trusted, or another's.
func forgetDevice(tx *store.Tx, userID, id string) error {
	return tx.ExecOne(`UPDATE auth_device SET trusted_until = NULL WHERE id = ? AND user_id = ? AND trusted_until > ?`, id, userID, tx.Now().UnixMilli())
}

// forgetDeviceOf ends the trust in the device of a session.
func forgetDeviceOf(tx *store.Tx, userID, session string) error {
	_, err := tx.Exec(`UPDATE auth_device SET trusted_until = NULL WHERE user_id = ? AND trusted_until IS NOT NULL
		AND id = (SELECT s.device_id FROM auth_session s WHERE s.id = ? AND s.user_id = auth_device.user_id)`, userID, session)
	return err
}

// forgetOtherDevices ends the trust in all devices but that of a session.
func forgetOtherDevices(tx *store.Tx, userID, session string) error {
	_, err := tx.Exec(`UPDATE auth_device SET trusted_until = NULL WHERE user_id = ? AND trusted_until IS NOT NULL
		AND id <> coalesce((SELECT s.device_id FROM auth_session s WHERE s.id = ?), '')`, userID, session)
	return err
}

// trusted is a device on which the second step is not asked for.
type trusted struct {
	id, label   string
	seen, until time.Time
}

// trustedDevices are those of a user, the one trusted longest first.
func trustedDevices(tx *store.Tx, userID string) ([]trusted, error) {
	return store.All(tx, func(r store.Scanner) (d trusted, err error) {
		var seen, until int64
		err = r.Scan(&d.id, &d.label, &seen, &until)
		d.seen, d.until = time.UnixMilli(seen).UTC(), time.UnixMilli(until).UTC()
		return d, err
	}, `SELECT id, label, last_seen_at, trusted_until FROM auth_device WHERE user_id = ? AND trusted_until > ? AND trusted_until IS NOT NULL
		ORDER BY trusted_until DESC LIMIT 50`, userID, tx.Now().UnixMilli())
}
