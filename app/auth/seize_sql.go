package auth

import (
	"time"

	"seaworthy/store"
)

func dropPassword(tx *store.Tx, userID string) (int64, error) {
	return tx.Exec(`UPDATE auth_user SET password_phc = NULL WHERE id = ? AND password_phc IS NOT NULL`, userID)
}

func dropIdentities(tx *store.Tx, userID string) (int64, error) {
	return tx.Exec(`DELETE FROM auth_identity WHERE user_id = ?`, userID)
}

// dropKnownDevices forgets every device of a user: a sign-in on one is from a new
// device again.
func dropKnownDevices(tx *store.Tx, userID string) (int64, error) {
	return dropDevicesSince(tx, userID, time.Time{})
}

// dropKeys ends the keys that the user made, wherever they work, and those that were
// made with them: a key can make another, which bears its name and not the user's.
func dropKeys(tx *store.Tx, userID string) (int64, error) { return dropKeysOf(tx, "user:"+userID) }

// dropKeysOf does so with those of a maker, as type:id.
func dropKeysOf(tx *store.Tx, maker string) (int64, error) {
	made, err := store.All(tx, text, `SELECT id FROM auth_api_key WHERE created_by = ? ORDER BY id`, maker)
	if err != nil {
		return 0, err
	}
	n, err := tx.Exec(`UPDATE auth_api_key SET revoked_at = ? WHERE created_by = ? AND revoked_at IS NULL`, tx.Now().UnixMilli(), maker)
	if err != nil {
		return 0, err
	}
	for _, id := range made {
		more, err := dropKeysOf(tx, "key:"+id)
		if n += more; err != nil {
			return n, err
		}
	}
	return n, nil
}
