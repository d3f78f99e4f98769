package auth

import "seaworthy/store"

// personal deletes what hangs off a user, each what refers to the next before it.
// A table with a person's rows belongs here; app's tests hold the schema to it.
var personal = []func(tx *store.Tx, userID string) error{
	dropTokens, dropSessions, dropDevices, dropRoles, dropMemberships, dropOwnKeys, dropExportRows,
	every(dropFactors), every(dropIdentities), dropInvitations, dropAddresses,
}

// every is a drop whose count nobody needs.
func every(drop func(*store.Tx, string) (int64, error)) func(*store.Tx, string) error {
	return func(tx *store.Tx, userID string) error {
		_, err := drop(tx, userID)
		return err
	}
}

func dropTokens(tx *store.Tx, userID string) error {
	if _, err := tx.Exec(`DELETE FROM auth_one_time WHERE user_id = ?`, userID); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM auth_one_time WHERE session_id IN (SELECT id FROM auth_session WHERE user_id = ?)`, userID)
	return err
}

func dropSessions(tx *store.Tx, userID string) error {
	// What he did in others' place has ended with him; the rows are theirs.
	if _, err := tx.Exec(`UPDATE auth_session SET own_session_id = NULL
		WHERE own_session_id IS NOT NULL AND own_session_id IN (SELECT id FROM auth_session WHERE user_id = ?)`, userID); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM auth_session WHERE user_id = ?`, userID)
	return err
}

func dropDevices(tx *store.Tx, userID string) error {
	_, err := tx.Exec(`DELETE FROM auth_device WHERE user_id = ?`, userID)
	return err
}

func dropRoles(tx *store.Tx, userID string) error {
	_, err := tx.Exec(`DELETE FROM auth_role_binding WHERE principal_kind = 'user' AND principal_id = ?`, userID)
	return err
}

func dropMemberships(tx *store.Tx, userID string) error {
	_, err := tx.Exec(`DELETE FROM auth_membership WHERE user_id = ?`, userID)
	return err
}

// dropOwnKeys deletes the keys that act for the user. Those he made for an org are
// the org's, and go with it or stay.
func dropOwnKeys(tx *store.Tx, userID string) error {
	_, err := tx.Exec(`DELETE FROM auth_api_key WHERE principal_kind = 'user' AND principal_id = ?`, userID)
	return err
}

// dropInvitations deletes those he was sent, sent himself or accepted: each names
// somebody's address.
func dropInvitations(tx *store.Tx, userID string) error {
	if _, err := tx.Exec(`DELETE FROM auth_invitation WHERE email_norm IN (SELECT email_norm FROM auth_email WHERE user_id = ?)`, userID); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM auth_invitation WHERE invited_user = ? AND invited_user IS NOT NULL`, userID); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM auth_invitation WHERE accepted_by = ? AND accepted_by IS NOT NULL`, userID)
	return err
}

func dropExportRows(tx *store.Tx, userID string) error {
	_, err := tx.Exec(`DELETE FROM auth_export WHERE user_id = ?`, userID)
	return err
}

func dropAddresses(tx *store.Tx, userID string) error {
	_, err := tx.Exec(`DELETE FROM auth_email WHERE user_id = ?`, userID)
	return err
}

// dropOrgs ends the user's personal org and those that nobody else belongs to,
// with their keys, and returns which. A personal org is called like its person,
// so its name goes too, and every slug it had.
func dropOrgs(tx *store.Tx, userID string) ([]string, error) {
	orgs, err := store.All(tx, text,
		`SELECT o.id FROM auth_membership m JOIN auth_org o ON o.id = m.org_id
		WHERE m.user_id = ? AND o.deleted_at IS NULL
		AND NOT EXISTS (SELECT x.user_id FROM auth_membership x WHERE x.org_id = o.id AND x.user_id <> m.user_id) ORDER BY o.id`, userID)
	if err != nil {
		return nil, err
	}
	now := tx.Now().UnixMilli()
	for _, org := range orgs {
		if _, err := tx.Exec(`UPDATE auth_org SET deleted_at = ?, name = '', slug = id WHERE id = ?`, now, org); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(`UPDATE auth_api_key SET revoked_at = coalesce(revoked_at, ?), name = '' WHERE org_id = ?`, now, org); err != nil {
			return nil, err
		}
		if _, err := tx.Exec(`DELETE FROM auth_old_slug WHERE org_id = ?`, org); err != nil {
			return nil, err
		}
	}
	// One that others belong to goes on without the person it was made for.
	_, err = tx.Exec(`UPDATE auth_org SET personal_user_id = NULL WHERE personal_user_id = ? AND deleted_at IS NULL`, userID)
	return orgs, err
}

// buryUser empties the row. The epoch goes up, for whatever still holds a token.
func buryUser(tx *store.Tx, userID string) error {
	return tx.ExecOne(`UPDATE auth_user SET name = '', password_phc = NULL, status = 'deleted', deleted_at = ?, last_seen_at = NULL, epoch = epoch + 1 WHERE id = ?`,
		tx.Now().UnixMilli(), userID)
}
