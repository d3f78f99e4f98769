package auth

import "seaworthy/store"

func dropPassword(tx *store.Tx, userID string) (int64, error) {
	return tx.Exec(`UPDATE auth_user SET password_phc = NULL WHERE id = ? AND password_phc IS NOT NULL`, userID)
}

func dropIdentities(tx *store.Tx, userID string) (int64, error) {
	return tx.Exec(`DELETE FROM auth_identity WHERE user_id = ?`, userID)
}

// dropKeys ends the keys that the user made, wherever they work.
func dropKeys(tx *store.Tx, userID string) (int64, error) {
	return tx.Exec(`UPDATE auth_api_key SET revoked_at = ? WHERE created_by = ? AND revoked_at IS NULL`, tx.Now().UnixMilli(), "user:"+userID)
}

func dropPending(tx *store.Tx, userID string) (int64, error) {
	return tx.Exec(`UPDATE auth_one_time SET consumed_at = ? WHERE user_id = ? AND consumed_at IS NULL`, tx.Now().UnixMilli(), userID)
}

// dropTrust has no device excuse the user from a second factor any more.
func dropTrust(tx *store.Tx, userID string) (int64, error) {
	return tx.Exec(`UPDATE auth_device SET trusted_until = NULL WHERE user_id = ? AND trusted_until IS NOT NULL`, userID)
}
