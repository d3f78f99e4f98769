package audit

import (
	"encoding/json"
	"time"

	"seaworthy/store"
)

const exportColumns = `SELECT id, org, format, filter, state, requested_by, created_at, coalesce(finished_at, 0), events, bytes, sha256, problem FROM audit_export `

func scanExportRow(r store.Scanner) (e Export, err error) {
	var filter string
	var created, finished int64
	if err := r.Scan(&e.ID, &e.Org, &e.Format, &filter, &e.State, &e.Requester, &created, &finished, &e.Events, &e.Bytes, &e.SHA256, &e.Problem); err != nil {
		return e, err
	}
	e.Created = time.UnixMilli(created).UTC()
	if finished != 0 {
		e.Finished = time.UnixMilli(finished).UTC()
	}
	return e, json.Unmarshal([]byte(filter), &e.Filter)
}

func exportByID(tx *store.Tx, id string) (Export, error) {
	return scanExportRow(tx.QueryRow(exportColumns+`WHERE id = ?`, id))
}

// exportsOf are the newest exports of an org, "" for those of the whole installation.
func exportsOf(tx *store.Tx, org string, limit int) ([]Export, error) {
	return store.All(tx, scanExportRow, exportColumns+`WHERE org = ? ORDER BY id DESC LIMIT ?`, org, limit)
}

// oldExports are finished ones that were asked for up to a time.
func oldExports(tx *store.Tx, until time.Time, limit int) ([]Export, error) {
	return store.All(tx, scanExportRow, exportColumns+`WHERE state IN ('ready', 'failed') AND created_at <= ? LIMIT ?`, until.UnixMilli(), limit)
}

// surplusExports are the finished ones of an org behind the newest kept.
func surplusExports(tx *store.Tx, org string, kept, limit int) ([]Export, error) {
	all, err := store.All(tx, scanExportRow, exportColumns+`WHERE org = ? AND state = 'ready' ORDER BY id DESC LIMIT ?`, org, kept+limit)
	return all[min(kept, len(all)):], err
}

func waitingExports(tx *store.Tx, org string) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM audit_export WHERE state = 'waiting' AND org = ? LIMIT 10)`, org).Scan(&n)
	return n, err
}

func insertExport(tx *store.Tx, e Export, filter string) error {
	_, err := tx.Exec(`INSERT INTO audit_export (id, org, format, filter, state, requested_by, created_at, events, bytes, sha256, problem)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, '', '')`, e.ID, e.Org, e.Format, filter, e.State, e.Requester, e.Created.UnixMilli())
	return err
}

func finishExport(tx *store.Tx, e Export) error {
	return tx.ExecOne(`UPDATE audit_export SET state = ?, finished_at = ?, events = ?, bytes = ?, sha256 = ?, problem = ? WHERE id = ?`,
		e.State, tx.Now().UnixMilli(), e.Events, e.Bytes, e.SHA256, e.Problem, e.ID)
}

// failExports gives up what was asked for before a time and is still not written.
func failExports(tx *store.Tx, before time.Time) error {
	_, err := tx.Exec(`UPDATE audit_export SET state = 'failed', finished_at = ?, problem = 'The file was not written within a day.' WHERE state = 'waiting' AND created_at < ?`,
		tx.Now().UnixMilli(), before.UnixMilli())
	return err
}

func expireExport(tx *store.Tx, id string) error {
	return tx.ExecOne(`UPDATE audit_export SET state = 'expired' WHERE id = ?`, id)
}
