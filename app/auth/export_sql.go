package auth

import (
	"time"

	"seaworthy/store"
)

const exportColumns = `SELECT id, user_id, state, created_at, coalesce(finished_at, 0), coalesce(expires_at, 0), bytes, sha256, problem FROM auth_export `

func scanExport(r store.Scanner) (e Export, err error) {
	var created, finished, expires int64
	err = r.Scan(&e.ID, &e.User, &e.State, &created, &finished, &expires, &e.Bytes, &e.SHA256, &e.Problem)
	e.Created, e.Finished, e.Expires = time.UnixMilli(created).UTC(), timeOrZero(finished), timeOrZero(expires)
	return e, err
}

func exportByID(tx *store.Tx, id string) (Export, error) {
	return scanExport(tx.QueryRow(exportColumns+`WHERE id = ?`, id))
}

// exportsOf are a user's exports, newest first.
func exportsOf(tx *store.Tx, userID string, limit int) ([]Export, error) {
	return store.All(tx, scanExport, exportColumns+`WHERE user_id = ? ORDER BY id DESC LIMIT ?`, userID, limit)
}

// insertExport is ErrConflict while another of the user's is waiting.
func insertExport(tx *store.Tx, e Export) error {
	_, err := tx.Exec(`INSERT INTO auth_export (id, user_id, state, created_at, bytes, sha256, problem) VALUES (?, ?, ?, ?, 0, '', '')`,
		e.ID, e.User, e.State, e.Created.UnixMilli())
	return err
}

func finishExport(tx *store.Tx, e Export) error {
	return tx.ExecOne(`UPDATE auth_export SET state = 'ready', finished_at = ?, expires_at = ?, bytes = ?, sha256 = ? WHERE id = ? AND state = 'waiting'`,
		tx.Now().UnixMilli(), e.Expires.UnixMilli(), e.Bytes, e.SHA256, e.ID)
}

func failExport(tx *store.Tx, id, problem string) error {
	return tx.ExecOne(`UPDATE auth_export SET state = 'failed', finished_at = ?, problem = ? WHERE id = ? AND state = 'waiting'`, tx.Now().UnixMilli(), problem, id)
}

func endExport(tx *store.Tx, id string) error {
	_, err := tx.Exec(`UPDATE auth_export SET state = 'expired' WHERE id = ? AND state = 'ready'`, id)
	return err
}
