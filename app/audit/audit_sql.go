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

const disclosureColumns = `SELECT seq, subject, items FROM audit_disclosure `

type keptDisclosure struct {
	seq int64
	disclosure
}

func scanDisclosure(r store.Scanner) (d keptDisclosure, err error) {
	var subject, items string
	if err := r.Scan(&d.seq, &subject, &items); err != nil {
		return d, err
	}
	d.subject = ParseRef(subject)
	return d, json.Unmarshal([]byte(items), &d.items)
}

// selectDisclosures are what is left of the personal data of one event.
func selectDisclosures(tx *store.Tx, seq int64) ([]disclosure, error) {
	left, err := store.All(tx, scanDisclosure, disclosureColumns+`WHERE seq = ? ORDER BY subject`, seq)
	all := make([]disclosure, len(left))
	for i, d := range left {
		all[i] = d.disclosure
	}
	return all, err
}

// manyDisclosures is of how many events disclosuresOf reads at once.
const manyDisclosures = 50

// disclosuresOf are those of up to manyDisclosures events, by event.
func disclosuresOf(tx *store.Tx, seqs []int64) (map[int64][]disclosure, error) {
	args := make([]any, manyDisclosures)
	for i := range args {
		args[i] = seqs[min(i, len(seqs)-1)] // the same more than once is the same
	}
	left, err := store.All(tx, scanDisclosure, disclosureColumns+`WHERE seq IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
		?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ORDER BY seq, subject`, args...)
	all := map[int64][]disclosure{}
	for _, d := range left {
		all[d.seq] = append(all[d.seq], d.disclosure)
	}
	return all, err
}
