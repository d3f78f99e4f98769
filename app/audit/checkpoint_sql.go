package audit

import (
	"time"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

const checkpointColumns = `SELECT gen, note, signed_at FROM audit_checkpoint `

func scanCheckpoint(r store.Scanner) (*signedHead, error) {
	var c signedHead
	var at int64
	if err := r.Scan(&c.gen, &c.note, &at); err != nil {
		return nil, err
	}
	var err error
	c.at = time.UnixMilli(at).UTC()
	c.Checkpoint, err = merkle.ParseCheckpoint(string(c.note))
	return &c, err
}

func newestCheckpoint(tx *store.Tx, gen int64) (*signedHead, error) {
	return scanCheckpoint(tx.QueryRow(checkpointColumns+`WHERE gen = ? ORDER BY size DESC LIMIT 1`, gen))
}

func insertCheckpoint(tx *store.Tx, c *signedHead) error {
	_, err := tx.Exec(`INSERT INTO audit_checkpoint (gen, size, root, note, signed_at) VALUES (?, ?, ?, ?, ?)`,
		c.gen, c.Size, c.Root[:], string(c.note), c.at.UnixMilli())
	return err
}

// deleteCheckpoints drops the smaller ones of a span of time.
func deleteCheckpoints(tx *store.Tx, gen int64, from, to time.Time, below int64) error {
	_, err := tx.Exec(`DELETE FROM audit_checkpoint WHERE gen = ? AND size < ? AND signed_at >= ? AND signed_at < ?`,
		gen, below, from.UnixMilli(), to.UnixMilli())
	return err
}
