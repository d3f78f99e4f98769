package audit

import (
	"encoding/json"

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
	var org, request *string
	var orgSeq *int64
	if b.Org != "" {
		org, orgSeq = &b.Org, &b.OrgSeq
	}
	if b.RequestID != "" {
		request = &b.RequestID
	}
	if _, err := tx.Exec(`INSERT INTO audit_event (seq, id, ts, org, org_seq, actor, action, request_id, body, leaf)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		seq, b.ID, b.Time, org, orgSeq, b.Actor.String(), string(b.Action), request, string(text), leaf); err != nil {
		return err
	}
	for _, t := range b.Targets {
		if _, err := tx.Exec(`INSERT INTO audit_target (target, seq) VALUES (?, ?) ON CONFLICT (target, seq) DO NOTHING`, t.String(), seq); err != nil {
			return err
		}
	}
	return nil
}

func insertDisclosure(tx *store.Tx, seq int64, d disclosure) error {
	items, err := json.Marshal(d.items)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO audit_disclosure (seq, subject, items) VALUES (?, ?, ?)`, seq, d.subject.String(), string(items))
	return err
}

// selectDisclosures are what is left of the personal data of one event.
func selectDisclosures(tx *store.Tx, seq int64) ([]disclosure, error) {
	return store.All(tx, func(r store.Scanner) (d disclosure, err error) {
		var subject, items string
		if err := r.Scan(&subject, &items); err != nil {
			return d, err
		}
		d.subject = ParseRef(subject)
		return d, json.Unmarshal([]byte(items), &d.items)
	}, `SELECT subject, items FROM audit_disclosure WHERE seq = ? ORDER BY subject`, seq)
}
