package auth

import "seaworthy/store"

// signingRow is a row of auth_signing_key; times are 0 for not yet.
type signingRow struct {
	kid                      string
	state                    keyState
	public, private          []byte
	created, active, retired int64
}

// selectSigningKeys are all keys; there are three at most, but for those that
// wait to be forgotten.
func selectSigningKeys(tx *store.Tx) ([]signingRow, error) {
	return store.All(tx, func(r store.Scanner) (k signingRow, err error) {
		return k, r.Scan(&k.kid, &k.state, &k.public, &k.private, &k.created, &k.active, &k.retired)
	}, `SELECT kid, state, public, private, created_at, coalesce(active_at, 0), coalesce(retired_at, 0) FROM auth_signing_key WHERE kid > '' ORDER BY kid`)
}

func insertSigningKey(tx *store.Tx, k signingRow) error {
	now := tx.Now().UnixMilli()
	var active *int64
	if k.state == keyActive {
		active = &now
	}
	_, err := tx.Exec(`INSERT INTO auth_signing_key (kid, alg, state, public, private, created_at, active_at) VALUES (?, 'ES256', ?, ?, ?, ?, ?)`,
		k.kid, string(k.state), k.public, k.private, now, active)
	return err
}

// The index on the state leaves the retired ones out, and is only used by a
// statement that says so too.

// retireSigningKey ends the signing of the active key, if there is one.
func retireSigningKey(tx *store.Tx) error {
	_, err := tx.Exec(`UPDATE auth_signing_key SET state = 'retired', retired_at = ?, private = NULL WHERE state = 'active' AND state <> 'retired'`, tx.Now().UnixMilli())
	return err
}

// activateSigningKey makes the next key the active one and returns it.
func activateSigningKey(tx *store.Tx) (kid string, err error) {
	err = tx.QueryRow(`UPDATE auth_signing_key SET state = 'active', active_at = ? WHERE state = 'next' AND state <> 'retired' RETURNING kid`, tx.Now().UnixMilli()).Scan(&kid)
	return kid, err
}

// deleteNextKey drops a next key that nobody can sign with.
func deleteNextKey(tx *store.Tx) error {
	_, err := tx.Exec(`DELETE FROM auth_signing_key WHERE state = 'next' AND state <> 'retired'`)
	return err
}

// deleteRetiredKeys forgets the keys that were retired before a time, in ms.
func deleteRetiredKeys(tx *store.Tx, before int64) error {
	_, err := tx.Exec(`DELETE FROM auth_signing_key WHERE state = 'retired' AND retired_at < ?`, before)
	return err
}
