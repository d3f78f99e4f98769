package audit

import (
	"time"

	"seaworthy/store"
)

const retentionColumns = `SELECT org, keep_days, dropped_before, dropped_seq FROM audit_retention `

func scanRetention(r store.Scanner) (out Retention, err error) {
	var before, seq int64
	err = r.Scan(&out.Org, &out.KeepDays, &before, &seq)
	if seq > 0 {
		out.Dropped = time.UnixMilli(before).UTC()
	}
	return out, err
}

func selectRetention(tx *store.Tx, org string) (Retention, error) {
	return scanRetention(tx.QueryRow(retentionColumns+`WHERE org = ?`, org))
}

func allRetentions(tx *store.Tx) ([]Retention, error) {
	return store.All(tx, scanRetention, retentionColumns+`WHERE org >= '' ORDER BY org`)
}

func putRetention(tx *store.Tx, org string, days int) error {
	_, err := tx.Exec(`INSERT INTO audit_retention (org, keep_days, dropped_before, dropped_seq) VALUES (?, ?, 0, 0)
		ON CONFLICT (org) DO UPDATE SET keep_days = excluded.keep_days`, org, days)
	return err
}

// raiseFloor allows the details of earlier events to go; it never sinks.
func raiseFloor(tx *store.Tx, org string, before int64) error {
	_, err := tx.Exec(`UPDATE audit_retention SET dropped_before = ? WHERE org = ? AND dropped_before < ?`, before, org, before)
	return err
}

// aged is a row as the retention looks at it.
type aged struct {
	seq, ts int64
	ours    bool // it belongs to this retention and still has its details
}

// oldestKept are the first limit rows that the retention of an org has not passed
// yet, in the order of an index and whatever their age, so that a round costs
// what it passes.
func oldestKept(tx *store.Tx, org string, limit int) ([]aged, error) {
	scan := func(r store.Scanner) (a aged, err error) { return a, r.Scan(&a.seq, &a.ts, &a.ours) }
	var done int64
	if err := tx.QueryRow(`SELECT dropped_seq FROM audit_retention WHERE org = ?`, org).Scan(&done); err != nil {
		return nil, err
	}
	if org == "" {
		return store.All(tx, scan, `SELECT seq, ts, org IS NULL AND body IS NOT NULL FROM audit_event WHERE seq > ? ORDER BY seq LIMIT ?`, done, limit)
	}
	last, err := lastOrgSeq(tx, org)
	if err != nil {
		return nil, err
	}
	first, err := orgBound(tx, org, done+1, last)
	if err != nil {
		return nil, err
	}
	return store.All(tx, scan, `SELECT seq, ts, body IS NOT NULL FROM audit_event WHERE org = ? AND org_seq >= ? ORDER BY org_seq LIMIT ?`, org, first, limit)
}

func noteDropped(tx *store.Tx, org string, seq int64) error {
	return tx.ExecOne(`UPDATE audit_retention SET dropped_seq = ? WHERE org = ?`, seq, org)
}

func dropBody(tx *store.Tx, seq int64) error {
	if err := tx.ExecOne(`UPDATE audit_event SET body = NULL WHERE seq = ?`, seq); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM audit_disclosure WHERE seq = ?`, seq)
	return err
}
