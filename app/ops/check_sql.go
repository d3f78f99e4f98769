package ops

import (
	"errors"
	"time"

	"seaworthy/app/launch"
	"seaworthy/store"
)

// stored is a finding and when it was made.
type stored struct {
	launch.Finding
	at time.Time
}

// mostFindings bounds what is read: there are as many as checks.
const mostFindings = 500

func findings(tx *store.Tx) (map[string]stored, error) {
	all, err := store.All(tx, func(r store.Scanner) (f stored, err error) {
		var at int64
		err = r.Scan(&f.Key, &f.State, &f.Detail, &f.About, &at)
		f.at = time.UnixMilli(at).UTC()
		return f, err
	}, `SELECT key, state, detail, about, looked_at FROM ops_check WHERE key > '' ORDER BY key LIMIT ?`, mostFindings)
	by := map[string]stored{}
	for _, f := range all {
		by[f.Key] = f
	}
	return by, err
}

func findingOf(tx *store.Tx, key string) (f stored, err error) {
	var at int64
	err = tx.QueryRow(`SELECT key, state, detail, about, looked_at FROM ops_check WHERE key = ?`, key).Scan(&f.Key, &f.State, &f.Detail, &f.About, &at)
	if errors.Is(err, store.ErrNotFound) {
		return stored{}, nil
	}
	f.at = time.UnixMilli(at).UTC()
	return f, err
}

func putFinding(tx *store.Tx, f launch.Finding) error {
	_, err := tx.Exec(`INSERT INTO ops_check (key, state, detail, about, looked_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET state = excluded.state, detail = excluded.detail, about = excluded.about, looked_at = excluded.looked_at`,
		f.Key, string(f.State), f.Detail, f.About, tx.Now().UnixMilli())
	return err
}

func dismissals(tx *store.Tx) (map[string]Dismissal, error) {
	type row struct {
		key string
		Dismissal
	}
	all, err := store.All(tx, func(r store.Scanner) (d row, err error) {
		var at int64
		err = r.Scan(&d.key, &d.Why, &d.By, &at)
		d.At = time.UnixMilli(at).UTC()
		return d, err
	}, `SELECT key, why, made_by, made_at FROM ops_dismissal WHERE key > '' ORDER BY key LIMIT ?`, mostFindings)
	by := map[string]Dismissal{}
	for _, d := range all {
		by[d.key] = d.Dismissal
	}
	return by, err
}

// insertDismissal reports whether it is new.
func insertDismissal(tx *store.Tx, key, why, by string) (bool, error) {
	n, err := tx.Exec(`INSERT INTO ops_dismissal (key, why, made_by, made_at) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`, key, why, by, tx.Now().UnixMilli())
	return n > 0, err
}

func deleteDismissal(tx *store.Tx, key string) error {
	return tx.ExecOne(`DELETE FROM ops_dismissal WHERE key = ?`, key)
}
