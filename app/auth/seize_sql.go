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
