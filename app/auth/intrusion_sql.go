package auth

import (
	"time"

	"seaworthy/store"
)

// factorsSince are the factors of a user that came since a time, confirmed or not.
func factorsSince(tx *store.Tx, userID string, since time.Time) ([]factor, error) {
	return store.All(tx, scanFactor, factorColumns+`WHERE f.user_id = ? AND (f.created_at >= ? OR f.confirmed_at >= ?) ORDER BY f.user_id, f.kind, f.id`,
		userID, since.UnixMilli(), since.UnixMilli())
}

// personalKeysSince are the ids of the keys made in a user's personal org since a
// time that are not revoked, whoever made them.
func personalKeysSince(tx *store.Tx, userID string, since time.Time) ([]string, error) {
	return store.All(tx, text, `SELECT k.id FROM auth_org o JOIN auth_api_key k ON k.org_id = o.id
		WHERE o.personal_user_id = ? AND k.created_at >= ? AND k.revoked_at IS NULL ORDER BY k.org_id, k.id`, userID, since.UnixMilli())
}

// dropDevicesSince forgets the devices of a user that were first seen since a time:
// a sign-in on one is from a new device again.
func dropDevicesSince(tx *store.Tx, userID string, since time.Time) (int64, error) {
	if _, err := tx.Exec(`UPDATE auth_session SET device_id = NULL
		WHERE device_id IN (SELECT d.id FROM auth_device d WHERE d.user_id = ? AND d.first_seen_at >= ?)`, userID, since.UnixMilli()); err != nil {
		return 0, err
	}
	return tx.Exec(`DELETE FROM auth_device WHERE user_id = ? AND first_seen_at >= ?`, userID, since.UnixMilli())
}

// voidPending uses up every living link and code of a user, but those that undo an
// earlier change of address, and recovery codes.
func voidPending(tx *store.Tx, userID string) (int64, error) {
	now := tx.Now().UnixMilli()
	return tx.Exec(`UPDATE auth_one_time SET consumed_at = ? WHERE user_id = ? AND consumed_at IS NULL AND exp > ? AND purpose <> 'email_undo' AND purpose <> 'recovery'`,
		now, userID, now)
}
