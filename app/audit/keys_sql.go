package audit

import "seaworthy/store"

// publicKey is a row of audit_key.
type publicKey struct {
	public    string
	retired   bool
	gen, size int64 // if retired: it signed nothing larger
}

const keyColumns = `SELECT public, retired_at IS NOT NULL, coalesce(retired_gen, 0), coalesce(retired_size, 0) FROM audit_key `

func scanKey(r store.Scanner) (k publicKey, err error) {
	return k, r.Scan(&k.public, &k.retired, &k.gen, &k.size)
}

func keyByPublic(tx *store.Tx, public string) (publicKey, error) {
	return scanKey(tx.QueryRow(keyColumns+`WHERE public = ?`, public))
}

func allKeys(tx *store.Tx) ([]publicKey, error) {
	return store.All(tx, scanKey, keyColumns+`WHERE public <> '' ORDER BY public`)
}

func insertKey(tx *store.Tx, public string) error {
	_, err := tx.Exec(`INSERT INTO audit_key (public, since_at) VALUES (?, ?)`, public, tx.Now().UnixMilli())
	return err
}

func retireKey(tx *store.Tx, public string, gen, size int64) error {
	return tx.ExecOne(`UPDATE audit_key SET retired_at = ?, retired_gen = ?, retired_size = ? WHERE public = ?`, tx.Now().UnixMilli(), gen, size, public)
}
