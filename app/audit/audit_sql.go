package audit

import (
	"encoding/json"
	"time"

	"seaworthy/store"
)

func lastSeq(tx *store.Tx) (seq int64, err error) {
	err = tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM audit_event`).Scan(&seq)
	return seq, err
}

func lastOrgSeq(tx *store.Tx, org string) (seq int64, err error) {
	err = tx.QueryRow(`SELECT coalesce(max(org_seq), 0) FROM audit_event WHERE org = ?`, org).Scan(&seq)
	return seq, err
}

func insertEvent(tx *store.Tx, seq int64, b *body, text, leaf []byte) error {
	var org, target, request *string
	var orgSeq *int64
	if b.Org != "" {
		org, orgSeq = &b.Org, &b.OrgSeq
	}
	if len(b.Targets) > 0 {
		t := b.Targets[0].String()
		target = &t
	}
	if b.RequestID != "" {
		request = &b.RequestID
	}
	_, err := tx.Exec(`INSERT INTO audit_event (seq, id, ts, org, org_seq, actor, action, target, request_id, body, leaf)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		seq, b.ID, b.Time, org, orgSeq, b.Actor.String(), string(b.Action), target, request, string(text), leaf)
	return err
}

func insertDisclosure(tx *store.Tx, seq int64, d disclosure) error {
	items, err := json.Marshal(d.items)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO audit_disclosure (seq, subject, items) VALUES (?, ?, ?)`, seq, d.subject.String(), string(items))
	return err
}

func selectDisclosures(tx *store.Tx, seq int64) ([]string, error) {
	return store.All(tx, func(r store.Scanner) (s string, err error) { return s, r.Scan(&s) },
		`SELECT items FROM audit_disclosure WHERE seq = ? ORDER BY subject`, seq)
}

const eventColumns = `SELECT seq, id, ts, action, body FROM audit_event `

func scanEntry(r store.Scanner) (e Entry, err error) {
	var ts int64
	err = r.Scan(&e.Seq, &e.ID, &ts, &e.Action, &e.Body)
	e.Time = time.UnixMilli(ts).UTC()
	return e, err
}

// selectEvents has one constant text for each combination of filters, so that
// each has its index.
func selectEvents(tx *store.Tx, f Filter) ([]Entry, error) {
	before := f.Before
	if before == 0 {
		before = 1 << 62
	}
	switch {
	case f.Rising:
		return store.All(tx, scanEntry, eventColumns+`WHERE seq > ? ORDER BY seq LIMIT ?`, f.After, f.Limit)
	case f.Action != "" && f.Actor != "":
		return store.All(tx, scanEntry, eventColumns+`WHERE actor = ? AND action = ? AND seq < ? AND seq > ? ORDER BY seq DESC LIMIT ?`, f.Actor, string(f.Action), before, f.After, f.Limit)
	case f.Action != "":
		return store.All(tx, scanEntry, eventColumns+`WHERE action = ? AND seq < ? AND seq > ? ORDER BY seq DESC LIMIT ?`, string(f.Action), before, f.After, f.Limit)
	case f.Actor != "":
		return store.All(tx, scanEntry, eventColumns+`WHERE actor = ? AND seq < ? AND seq > ? ORDER BY seq DESC LIMIT ?`, f.Actor, before, f.After, f.Limit)
	}
	return store.All(tx, scanEntry, eventColumns+`WHERE seq < ? ORDER BY seq DESC LIMIT ?`, before, f.Limit)
}
