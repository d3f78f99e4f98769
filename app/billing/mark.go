package billing

import (
	"seaworthy/store"
)

// markOf is what was kept under a name; "" for nothing.
func markOf(tx *store.Tx, name string) (value string, sealed []byte, err error) {
	err = tx.QueryRow(`SELECT value, sealed FROM billing_mark WHERE name = ?`, name).Scan(&value, &sealed)
	if isNotFound(err) {
		return "", nil, nil
	}
	return value, sealed, err
}

func setMark(tx *store.Tx, name, value string, sealed []byte) error {
	_, err := tx.Exec(`INSERT INTO billing_mark (name, value, sealed, changed_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, sealed = excluded.sealed, changed_at = excluded.changed_at`, name, value, sealed, tx.Now().UnixMilli())
	return err
}
