package auth

import (
	"time"

	"seaworthy/store"
)

// insertImpersonation adds a session of a user in which somebody else acts. How
// that one proved who he is holds for it: nobody proved to be the user.
func insertImpersonation(tx *store.Tx, r sessionRow, own *session) error {
	_, err := tx.Exec(`INSERT INTO auth_session (id, user_id, kind, client_id, org_id, impersonator_id, own_session_id, token_hash, refresh_gen, child_seen, aal, amr, auth_time,
			scopes, ip, ua, created_at, last_seen_at, idle_exp, abs_exp, epoch)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, (SELECT epoch FROM auth_user WHERE id = ?))`,
		r.id, r.user, string(r.kind), orNull(r.client), orNull(r.org), own.user.id, own.id, r.hash, own.aal, own.amr, r.now, r.ip, r.ua, r.now, r.now, r.idle, r.abs, r.user)
	return err
}

// impersonation is a session in which somebody acts, or acted, as its user.
type impersonation struct {
	session, user, by string
	started           time.Time
}

func scanImpersonation(r store.Scanner) (i impersonation, err error) {
	var started int64
	err = r.Scan(&i.session, &i.user, &i.by, &started)
	i.started = time.UnixMilli(started).UTC()
	return i, err
}

func impersonationByID(tx *store.Tx, session string) (impersonation, error) {
	return scanImpersonation(tx.QueryRow(`SELECT id, user_id, impersonator_id, created_at FROM auth_session WHERE id = ? AND impersonator_id IS NOT NULL`, session))
}

// impersonationsOf are those that hang off somebody's own session and have not ended.
func impersonationsOf(tx *store.Tx, own string) ([]impersonation, error) {
	return store.All(tx, scanImpersonation, `SELECT id, user_id, impersonator_id, created_at FROM auth_session
		WHERE own_session_id = ? AND impersonator_id IS NOT NULL AND revoked_at IS NULL`, own)
}

// maxOrgs bounds how many orgs of one user are told of something, or shown.
const maxOrgs = 200

// orgsOf are the ids of the orgs a user belongs to.
func orgsOf(tx *store.Tx, userID string) ([]string, error) {
	return store.All(tx, text,
		`SELECT m.org_id FROM auth_membership m JOIN auth_org o ON o.id = m.org_id
		WHERE m.user_id = ? AND o.deleted_at IS NULL ORDER BY m.org_id LIMIT ?`, userID, maxOrgs)
}
