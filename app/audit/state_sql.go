package audit

import (
	"errors"
	"time"

	"seaworthy/store"
)

// keptVerifications is how many outcomes are kept.
const keptVerifications = 100

func lastVerification(tx *store.Tx) (v Verification, err error) {
	var at, took int64
	err = tx.QueryRow(`SELECT at, took_ms, size, bad_seq, problem FROM audit_verification WHERE id > 0 ORDER BY id DESC LIMIT 1`).
		Scan(&at, &took, &v.Size, &v.BadSeq, &v.Problem)
	if errors.Is(err, store.ErrNotFound) {
		return Verification{}, nil
	}
	v.At, v.Took = time.UnixMilli(at).UTC(), time.Duration(took)*time.Millisecond
	return v, err
}

func insertVerification(tx *store.Tx, v Verification) error {
	var id int64
	if err := tx.QueryRow(`SELECT coalesce(max(id), 0) + 1 FROM audit_verification`).Scan(&id); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO audit_verification (id, at, took_ms, size, bad_seq, problem) VALUES (?, ?, ?, ?, ?, ?)`,
		id, tx.Now().UnixMilli(), v.Took.Milliseconds(), v.Size, v.BadSeq, v.Problem); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM audit_verification WHERE id <= ?`, id-keptVerifications)
	return err
}
