package audit

import (
	"errors"

	"seaworthy/store"
)

// thoseBack are the erasures of a list whose subjects have disclosures again. Most starts find
// none, and write nothing.
func thoseBack(tx *store.Tx, all []erasure) (back []erasure, err error) {
	for _, e := range all {
		var seq int64
		err := tx.QueryRow(`SELECT seq FROM audit_disclosure WHERE subject = ? ORDER BY seq LIMIT 1`, e.Subject).Scan(&seq)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		back = append(back, e)
	}
	return back, nil
}

// deleteDisclosures erases at most limit of a subject's disclosures, of events
// recorded up to a time.
func deleteDisclosures(tx *store.Tx, subject string, until int64, limit int) (int, error) {
	seqs, err := store.All(tx, func(r store.Scanner) (seq int64, err error) { return seq, r.Scan(&seq) },
		`SELECT d.seq FROM audit_disclosure d JOIN audit_event e ON e.seq = d.seq WHERE d.subject = ? AND e.ts <= ? ORDER BY d.seq LIMIT ?`, subject, until, limit)
	if err != nil {
		return 0, err
	}
	for _, seq := range seqs {
		if err := tx.ExecOne(`DELETE FROM audit_disclosure WHERE seq = ? AND subject = ?`, seq, subject); err != nil {
			return 0, err
		}
	}
	return len(seqs), nil
}
