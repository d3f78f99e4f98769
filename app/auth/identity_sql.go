package auth

import (
	"time"

	"seaworthy/store"
)

// identity is a row of auth_identity: who a user is at a provider.
type identity struct {
	id, user      string
	issuer, sub   string
	provider      string // the name it was configured under
	email         string // what the provider last said
	created, used time.Time
}

const identityColumns = `SELECT id, user_id, issuer, sub, provider, email, created_at, last_used_at FROM auth_identity `

func scanIdentity(r store.Scanner) (i identity, err error) {
	var created, last int64
	err = r.Scan(&i.id, &i.user, &i.issuer, &i.sub, &i.provider, &i.email, &created, &last)
	i.created, i.used = time.UnixMilli(created).UTC(), time.UnixMilli(last).UTC()
	return i, err
}

// identityAt is whoever a subject of an issuer is.
func identityAt(tx *store.Tx, issuer, sub string) (identity, error) {
	return scanIdentity(tx.QueryRow(identityColumns+`WHERE issuer = ? AND sub = ?`, issuer, sub))
}

// identityOf is one of a user's identities.
func identityOf(tx *store.Tx, userID, id string) (identity, error) {
	return scanIdentity(tx.QueryRow(identityColumns+`WHERE id = ? AND user_id = ?`, id, userID))
}

// maxIdentities bounds how many one user can have.
const maxIdentities = 20

func identitiesOf(tx *store.Tx, userID string) ([]identity, error) {
	return store.All(tx, scanIdentity, identityColumns+`WHERE user_id = ? ORDER BY id LIMIT ?`, userID, maxIdentities)
}

func insertIdentity(tx *store.Tx, i identity, verified bool) error {
	now := tx.Now().UnixMilli()
	_, err := tx.Exec(`INSERT INTO auth_identity (id, issuer, sub, user_id, provider, email, email_verified, created_at, last_used_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, i.id, i.issuer, i.sub, i.user, i.provider, i.email, verified, now, now)
	return err
}

// touchIdentity notes a use, and what the provider says by now.
func touchIdentity(tx *store.Tx, id, email string, verified bool) error {
	return tx.ExecOne(`UPDATE auth_identity SET email = ?, email_verified = ?, last_used_at = ? WHERE id = ?`, email, verified, tx.Now().UnixMilli(), id)
}

func deleteIdentity(tx *store.Tx, userID, id string) error {
	return tx.ExecOne(`DELETE FROM auth_identity WHERE id = ? AND user_id = ?`, id, userID)
}
