package auth

import "seaworthy/store"

type throttleRow struct {
	kind           string
	key            []byte
	failures       int
	until, updated int64
}

func keepThrottle(tx *store.Tx, r throttleRow) error {
	_, err := tx.Exec(`INSERT INTO auth_throttle (kind, key, failures, until_at, updated_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (kind, key) DO UPDATE SET failures = excluded.failures, until_at = excluded.until_at, updated_at = excluded.updated_at`,
		r.kind, r.key, r.failures, r.until, r.updated)
	return err
}

// throttled are the entries that changed since, the newest first.
func throttled(tx *store.Tx, since int64, most int) ([]throttleRow, error) {
	return store.All(tx, func(r store.Scanner) (t throttleRow, err error) {
		return t, r.Scan(&t.kind, &t.key, &t.failures, &t.until, &t.updated)
	}, `SELECT kind, key, failures, until_at, updated_at FROM auth_throttle WHERE updated_at > ? ORDER BY updated_at DESC LIMIT ?`, since, most)
}

func deleteThrottle(tx *store.Tx, before int64) error {
	_, err := tx.Exec(`DELETE FROM auth_throttle WHERE updated_at < ?`, before)
	return err
}
