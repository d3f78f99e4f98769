package audit

import (
	"time"

	"seaworthy/store"
)

const eventColumns = `SELECT e.seq, e.id, e.ts, coalesce(e.org, ''), coalesce(e.org_seq, 0), e.actor, e.action, coalesce(e.request_id, ''), e.body FROM audit_event e `

func scanEntry(r store.Scanner) (e Entry, err error) {
	var ts int64
	var actor string
	err = r.Scan(&e.Seq, &e.ID, &ts, &e.Org, &e.OrgSeq, &actor, &e.Action, &e.RequestID, &e.Body)
	e.Time, e.Actor = time.UnixMilli(ts).UTC(), ParseRef(actor)
	return e, err
}

func selectEvent(tx *store.Tx, id string) (Entry, error) {
	return scanEntry(tx.QueryRow(eventColumns+`WHERE e.id = ?`, id))
}

func timeOf(tx *store.Tx, seq int64) (ts int64, err error) {
	err = tx.QueryRow(`SELECT ts FROM audit_event WHERE seq = ?`, seq).Scan(&ts)
	return ts, err
}

// The rest of a filter, after the part that an index serves.
const (
	andRest = `AND (? = '' OR e.org = ?) AND (? = '' OR e.action = ?) AND (? = '' OR e.actor = ?) AND e.seq < ? AND e.seq > ? `
	newest  = `ORDER BY e.seq DESC LIMIT ?`
	oldest  = `ORDER BY e.seq LIMIT ?`
)

// selectEvents has one constant text for each index, so that a filter walks the
// narrowest one and looks at the rest as it goes.
func selectEvents(tx *store.Tx, f Filter) ([]Entry, error) {
	before := f.Before
	if before == 0 {
		before = 1 << 62
	}
	action := string(f.Action)
	rest := []any{f.Org, f.Org, action, action, f.Actor, f.Actor, before, f.After, f.Limit}
	with := func(first ...any) []any { return append(first, rest...) }
	switch {
	case f.Target != "" && f.Rising:
		return store.All(tx, scanEntry, eventColumns+`JOIN audit_target t ON t.seq = e.seq WHERE t.target = ? `+andRest+`ORDER BY t.seq LIMIT ?`, with(f.Target)...)
	case f.Target != "":
		return store.All(tx, scanEntry, eventColumns+`JOIN audit_target t ON t.seq = e.seq WHERE t.target = ? `+andRest+`ORDER BY t.seq DESC LIMIT ?`, with(f.Target)...)
	case f.Actor != "" && f.Rising:
		return store.All(tx, scanEntry, eventColumns+`WHERE e.actor = ? `+andRest+oldest, with(f.Actor)...)
	case f.Actor != "":
		return store.All(tx, scanEntry, eventColumns+`WHERE e.actor = ? `+andRest+newest, with(f.Actor)...)
	case f.Org != "" && action != "" && f.Rising:
		return store.All(tx, scanEntry, eventColumns+`WHERE e.org = ? AND e.action = ? `+andRest+oldest, with(f.Org, action)...)
	case f.Org != "" && action != "":
		return store.All(tx, scanEntry, eventColumns+`WHERE e.org = ? AND e.action = ? `+andRest+newest, with(f.Org, action)...)
	case f.Org != "":
		return selectOrgEvents(tx, f, before)
	case action != "" && f.Rising:
		return store.All(tx, scanEntry, eventColumns+`WHERE e.action = ? `+andRest+oldest, with(action)...)
	case action != "":
		return store.All(tx, scanEntry, eventColumns+`WHERE e.action = ? `+andRest+newest, with(action)...)
	case f.Rising:
		return store.All(tx, scanEntry, eventColumns+`WHERE e.seq > ? AND e.seq < ? `+oldest, f.After, before, f.Limit)
	}
	return store.All(tx, scanEntry, eventColumns+`WHERE e.seq < ? AND e.seq > ? `+newest, before, f.After, f.Limit)
}

// selectOrgEvents walks one org's log. Its index knows org_seq and not seq, so
// the bounds are looked up first: both rise together.
func selectOrgEvents(tx *store.Tx, f Filter, before int64) ([]Entry, error) {
	last, err := lastOrgSeq(tx, f.Org)
	if err != nil {
		return nil, err
	}
	low, high := int64(0), last+1 // org_seq, both without
	if f.After > 0 {
		if low, err = orgBound(tx, f.Org, f.After+1, last); err != nil {
			return nil, err
		}
		low--
	}
	if f.Before > 0 {
		if high, err = orgBound(tx, f.Org, before, last); err != nil {
			return nil, err
		}
	}
	if f.Rising {
		return store.All(tx, scanEntry, eventColumns+`WHERE e.org = ? AND e.org_seq > ? AND e.org_seq < ? ORDER BY e.org_seq LIMIT ?`, f.Org, low, high, f.Limit)
	}
	return store.All(tx, scanEntry, eventColumns+`WHERE e.org = ? AND e.org_seq > ? AND e.org_seq < ? ORDER BY e.org_seq DESC LIMIT ?`, f.Org, low, high, f.Limit)
}

// orgBound is the org_seq of the org's first event at or after seq, last+1 if none.
func orgBound(tx *store.Tx, org string, seq, last int64) (int64, error) {
	low, high := int64(1), last+1
	for low < high {
		middle := (low + high) / 2
		var at int64
		if err := tx.QueryRow(`SELECT seq FROM audit_event WHERE org = ? AND org_seq = ?`, org, middle).Scan(&at); err != nil {
			return 0, err
		}
		if at < seq {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}
