package auth

import (
	"encoding/json"

	"seaworthy/store"
)

// bindAttempt tells an attempt whose it is and what its code is. It is
// ErrNotFound for one that has ended, or has an owner.
func bindAttempt(tx *store.Tx, hash []byte, userID string, payload map[string]string) error {
	text, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	return tx.ExecOne(`UPDATE auth_one_time SET user_id = ?, payload = ? WHERE hash = ? AND purpose = ? AND user_id IS NULL AND consumed_at IS NULL AND exp > ?`,
		userID, string(text), hash, string(forEmailCode), tx.Now().UnixMilli())
}

// attemptByHash is an attempt whether it lives or not, for the page that waits
// for a code: what it shows must not tell.
func attemptByHash(tx *store.Tx, hash []byte) (oneTime, string, error) {
	return scanOneTime(tx.QueryRow(`SELECT `+oneTimeColumns+` FROM auth_one_time WHERE hash = ? AND purpose = ?`, hash, string(forEmailCode)), forEmailCode)
}

// voidSignIns uses up the links and codes by which a user could sign in.
func voidSignIns(tx *store.Tx, userID string) error {
	if err := voidTokens(tx, userID, forEmailLink); err != nil {
		return err
	}
	return voidTokens(tx, userID, forEmailCode)
}

// hasUsed reports whether a user has signed in on a device.
func hasUsed(tx *store.Tx, userID string, cookieHash []byte) (bool, error) {
	var id string
	err := tx.QueryRow(`SELECT id FROM auth_device WHERE cookie_hash = ? AND user_id = ?`, cookieHash, userID).Scan(&id)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}
