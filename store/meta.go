package store

import "errors"

// Meta reads one of the store's own settings (table store_meta), "" when unset.
func Meta(tx *Tx, key string) (string, error) {
	var v string
	err := tx.QueryRow("SELECT value FROM store_meta WHERE key = ?", key).Scan(&v)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return v, err
}

// SetMeta writes one of the store's own settings.
func SetMeta(tx *Tx, key, value string) error {
	_, err := tx.Exec(`INSERT INTO store_meta (key, value) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
	return err
}
