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
	byOrg, err := bestByOrg(tx, f)
	if err != nil {
		return nil, err
	}
	action := string(f.Action)
	rest := []any{f.Org, f.Org, action, action, f.Actor, f.Actor, before, f.After, f.Limit}
	with := func(first ...any) []any { return append(first, rest...) }
	switch {
	case byOrg:
		return selectOrgEvents(tx, f, before)
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
	case action != "" && f.Rising:
		return store.All(tx, scanEntry, eventColumns+`WHERE e.action = ? `+andRest+oldest, with(action)...)
	case action != "":
		return store.All(tx, scanEntry, eventColumns+`WHERE e.action = ? `+andRest+newest, with(action)...)
	case f.Rising:
		return store.All(tx, scanEntry, eventColumns+`WHERE e.seq > ? AND e.seq < ? `+oldest, f.After, before, f.Limit)
	}
	return store.All(tx, scanEntry, eventColumns+`WHERE e.seq < ? AND e.seq > ? `+newest, before, f.After, f.Limit)
}

// busy is how many events an actor or a target has that has many.
const busy = 1000

// bestByOrg reports whether an org's own log is the way to what a filter leaves of it. The
// indexes of actors and targets are of all orgs: of one that is busy elsewhere, as the program
// itself, anybody with an org of his own could have millions of events walked for nothing.
func bestByOrg(tx *store.Tx, f Filter) (bool, error) {
	var n int
	var err error
	switch {
	case f.Org == "":
		return false, nil
	case f.Target != "":
		err = tx.QueryRow(`SELECT count(*) FROM (SELECT seq FROM audit_target WHERE target = ? LIMIT ?)`, f.Target, busy).Scan(&n)
	case f.Actor != "":
		err = tx.QueryRow(`SELECT count(*) FROM (SELECT seq FROM audit_event WHERE actor = ? LIMIT ?)`, f.Actor, busy).Scan(&n)
	default:
		return f.Action == "", nil
	}
	return n >= busy, err
}

// inOrg is a filter as an org's own index serves it.
const inOrg = `WHERE e.org = ? AND e.org_seq > ? AND e.org_seq < ? AND (? = '' OR e.action = ?) AND (? = '' OR e.actor = ?)
	AND (? = '' OR EXISTS (SELECT 1 FROM audit_target t WHERE t.target = ? AND t.seq = e.seq)) `

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
	action := string(f.Action)
	args := []any{f.Org, low, high, action, action, f.Actor, f.Actor, f.Target, f.Target, f.Limit}
	if f.Rising {
		return store.All(tx, scanEntry, eventColumns+inOrg+`ORDER BY e.org_seq LIMIT ?`, args...)
	}
	return store.All(tx, scanEntry, eventColumns+inOrg+`ORDER BY e.org_seq DESC LIMIT ?`, args...)
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
