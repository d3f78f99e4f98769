package auth

import (
	"strings"

	"seaworthy/store"
)

const invitationColumns = `SELECT i.id, i.org_id, i.email, i.email_norm, i.role_id, r.name, i.state, i.invited_by, coalesce(u.name, ''), i.sent, i.created_at, i.sent_at, i.expires_at
	FROM auth_invitation i JOIN auth_role r ON r.id = i.role_id LEFT JOIN auth_user u ON u.id = i.invited_user `

func scanInvitation(r store.Scanner) (i invitation, err error) {
	var created, sent, expires int64
	err = r.Scan(&i.id, &i.org, &i.email.typed, &i.email.norm, &i.role, &i.roleName, &i.state, &i.by, &i.byName, &i.sent, &created, &sent, &expires)
	i.created, i.sentA, i.expires = timeOrZero(created), timeOrZero(sent), timeOrZero(expires)
	return i, err
}

// pendingInvitation is the one to an address that waits for an answer, expired or not.
func pendingInvitation(tx *store.Tx, org, norm string) (invitation, error) {
	return scanInvitation(tx.QueryRow(invitationColumns+`WHERE i.org_id = ? AND i.email_norm = ? AND i.state = 'pending'`, org, norm))
}

// invitationByID is one of an org that waits for an answer.
func invitationByID(tx *store.Tx, org, id string) (invitation, error) {
	return scanInvitation(tx.QueryRow(invitationColumns+`WHERE i.id = ? AND i.org_id = ? AND i.state = 'pending'`, id, org))
}

// livingInvitation is the one that a token's hash opens.
func livingInvitation(tx *store.Tx, hash []byte) (invitation, error) {
	return scanInvitation(tx.QueryRow(invitationColumns+`WHERE i.token_hash = ? AND i.state = 'pending' AND i.expires_at > ?`, hash, tx.Now().UnixMilli()))
}

// acceptedInvitation is the one that a token's hash opened for a user.
func acceptedInvitation(tx *store.Tx, hash []byte, user string) (invitation, error) {
	return scanInvitation(tx.QueryRow(invitationColumns+`WHERE i.accepted_by = ? AND i.token_hash = ? AND i.state = 'accepted'`, user, hash))
}

// selectInvitations are those of an org that wait for an answer, newest first.
func selectInvitations(tx *store.Tx, org, before string, limit int) ([]invitation, error) {
	if before == "" {
		before = "inv_~"
	}
	return store.All(tx, scanInvitation, invitationColumns+`WHERE i.org_id = ? AND i.state = 'pending' AND i.id < ? ORDER BY i.id DESC LIMIT ?`, org, before, limit)
}

// invitationsBy are those of an org that wait for an answer and that somebody sent.
func invitationsBy(tx *store.Tx, org, user string) ([]invitation, error) {
	return store.All(tx, scanInvitation, invitationColumns+`WHERE i.invited_user = ? AND i.org_id = ? AND i.state = 'pending' ORDER BY i.id`, user, org)
}

// userIn is the user of a type:id, "" if it is not one.
func userIn(by string) string {
	id, _ := strings.CutPrefix(by, "user:")
	if id == by {
		return ""
	}
	return id
}

func saveInvitation(tx *store.Tx, i invitation, hash []byte) error {
	_, err := tx.Exec(`INSERT INTO auth_invitation (id, org_id, email, email_norm, role_id, token_hash, state, invited_by, invited_user, sent, created_at, sent_at, expires_at)
		VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET email = excluded.email, role_id = excluded.role_id, token_hash = excluded.token_hash,
			invited_by = excluded.invited_by, invited_user = excluded.invited_user, sent = excluded.sent, sent_at = excluded.sent_at, expires_at = excluded.expires_at`,
		i.id, i.org, i.email.typed, i.email.norm, i.role, hash, i.by, orNull(userIn(i.by)), i.sent, i.created.UnixMilli(), i.sentA.UnixMilli(), i.expires.UnixMilli())
	return err
}

// countInvitations counts, up to their bounds, what was sent since a time: by an
// invitation's org and to its address; and how many of the org wait for an answer.
func countInvitations(tx *store.Tx, i invitation, since int64) (sent, to, pending int, err error) {
	err = tx.QueryRow(`SELECT (SELECT count(*) FROM (SELECT id FROM auth_invitation WHERE org_id = ? AND sent_at > ? LIMIT ?)),
		(SELECT coalesce(sum(n), 0) FROM (SELECT sent AS n FROM auth_invitation WHERE email_norm = ? AND sent_at > ? LIMIT ?)),
		(SELECT count(*) FROM (SELECT id FROM auth_invitation WHERE org_id = ? AND state = 'pending' LIMIT ?))`,
		i.org, since, invitesADay, i.email.norm, since, invitesTo, i.org, invitesPending).Scan(&sent, &to, &pending)
	return sent, to, pending, err
}

// closeInvitation ends one that waits for an answer: of many at once one succeeds.
func closeInvitation(tx *store.Tx, id, state, user string) error {
	return tx.ExecOne(`UPDATE auth_invitation SET state = ?, accepted_by = ?, ended_at = ? WHERE id = ? AND state = 'pending'`,
		state, orNull(user), tx.Now().UnixMilli(), id)
}

// endInvitations ends all of an org.
func endInvitations(tx *store.Tx, org string) error {
	_, err := tx.Exec(`UPDATE auth_invitation SET state = 'revoked', ended_at = ? WHERE org_id = ? AND state = 'pending'`, tx.Now().UnixMilli(), org)
	return err
}
