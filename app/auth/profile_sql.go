package auth

import (
	"encoding/json"
	"time"

	"seaworthy/store"
)

func setName(tx *store.Tx, userID, name string) error {
	return tx.ExecOne(`UPDATE auth_user SET name = ? WHERE id = ?`, name, userID)
}

// renamePersonalOrg renames a user's personal org if it is still called from, and
// returns its id; "" if it is not.
func renamePersonalOrg(tx *store.Tx, userID, from, to string) (id string, err error) {
	err = tx.QueryRow(`UPDATE auth_org SET name = ? WHERE personal_user_id = ? AND name = ? AND deleted_at IS NULL RETURNING id`, to, userID, from).Scan(&id)
	if isNotFound(err) {
		return "", nil
	}
	return id, err
}

// setAddress gives a user another address in place of the primary one, not verified yet.
func setAddress(tx *store.Tx, userID string, to address) error {
	return tx.ExecOne(`UPDATE auth_email SET email = ?, email_norm = ?, verified_at = NULL, created_at = ? WHERE user_id = ? AND is_primary = 1`,
		to.typed, to.norm, tx.Now().UnixMilli(), userID)
}

// pendingEmail is the address that a user asked for and has not confirmed yet;
// there is one at most.
func pendingEmail(tx *store.Tx, userID string) (address, error) {
	var text string
	err := tx.QueryRow(`SELECT payload FROM auth_one_time WHERE user_id = ? AND purpose = 'email_change' AND consumed_at IS NULL AND exp > ? LIMIT 1`,
		userID, tx.Now().UnixMilli()).Scan(&text)
	if err != nil {
		return address{}, err
	}
	var payload map[string]string
	err = json.Unmarshal([]byte(text), &payload)
	return address{typed: payload["email"], norm: payload["norm"]}, err
}

// voidSince uses up a user's living tokens of a purpose that are as old as a time or newer.
func voidSince(tx *store.Tx, userID string, p purpose, since time.Time) error {
	_, err := tx.Exec(`UPDATE auth_one_time SET consumed_at = ? WHERE user_id = ? AND purpose = ? AND consumed_at IS NULL AND created_at >= ?`,
		tx.Now().UnixMilli(), userID, string(p), since.UnixMilli())
	return err
}

func clearPassword(tx *store.Tx, userID string) error {
	return tx.ExecOne(`UPDATE auth_user SET password_phc = NULL WHERE id = ?`, userID)
}
