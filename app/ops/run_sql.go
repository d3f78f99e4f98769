package ops

import (
	"time"

	"seaworthy/store"
)

func insertRun(tx *store.Tx, r Run) error {
	_, err := tx.Exec(`INSERT INTO ops_run (id, kind, began_at, took, fault, name, bytes, events) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Kind, r.Began.UnixMilli(), r.Took.Milliseconds(), r.Fault, r.Name, r.Bytes, r.Events)
	return err
}

const runColumns = `SELECT id, kind, began_at, took, fault, name, bytes, events, coalesce(gone_at, 0) FROM ops_run `

func scanRun(row store.Scanner) (r Run, err error) {
	var began, took, gone int64
	err = row.Scan(&r.ID, &r.Kind, &began, &took, &r.Fault, &r.Name, &r.Bytes, &r.Events, &gone)
	r.Began, r.Took = time.UnixMilli(began).UTC(), time.Duration(took)*time.Millisecond
	if gone > 0 {
		r.Gone = time.UnixMilli(gone).UTC()
	}
	return r, err
}

// newestRuns are the latest of a kind.
func newestRuns(tx *store.Tx, kind string, limit int) ([]Run, error) {
	return store.All(tx, scanRun, runColumns+`WHERE kind = ? ORDER BY began_at DESC, id DESC LIMIT ?`, kind, limit)
}

// lastGood is when one of the kind went well, zero for never.
func lastGood(tx *store.Tx, kind string) (time.Time, error) {
	runs, err := store.All(tx, scanRun, runColumns+`WHERE kind = ? AND fault = '' ORDER BY began_at DESC, id DESC LIMIT 1`, kind)
	if err != nil || len(runs) == 0 {
		return time.Time{}, err
	}
	return runs[0].Began, nil
}

func markGone(tx *store.Tx, names []string) error {
	for _, name := range names {
		if _, err := tx.Exec(`UPDATE ops_run SET gone_at = ? WHERE kind = 'copy' AND name = ?`, tx.Now().UnixMilli(), name); err != nil {
			return err
		}
	}
	return nil
}
