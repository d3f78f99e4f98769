package audit

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"seaworthy/store"
)

// Entry is an event as it is read back.
type Entry struct {
	Seq        int64
	ID         string
	Time       time.Time // when it was recorded
	Occurred   time.Time // when the customer's app says it happened; zero otherwise
	ClockBack  bool      // the clock stood before the last event's
	Org        string
	OrgSeq     int64
	Actor      Ref
	OnBehalfOf Ref // whom an impersonator acted for; zero otherwise
	Action     Action
	Targets    []Ref
	RequestID  string
	Session    string
	Job        string
	Source     string // who handed it in through the API, type:id; "" for Seaworthy itself
	Changes    map[string]Change
	Details    map[string]any
	Personal   map[string]string // what has not been erased
	ActorEmail string            // of the actor at that time, if it has not been erased
	Dropped    bool              // retention has dropped all but the columns
	Body       []byte            // JSON as the leaf covers it; nil if dropped

	digests     int // of personal data, in the body
	disclosures []disclosure
}

// Erased reports whether personal data of the event was erased.
func (e Entry) Erased() bool {
	return !e.Dropped && e.digests > e.disclosed()
}

func (e Entry) disclosed() (n int) {
	for _, d := range e.disclosures {
		n += len(d.items)
	}
	return n
}

// Filter narrows a list; empty fields do not.
type Filter struct {
	Org    string    `json:"org,omitempty"`
	Action Action    `json:"action,omitempty"`
	Actor  string    `json:"actor,omitempty"`  // type:id
	Target string    `json:"target,omitempty"` // type:id
	From   time.Time `json:"from,omitzero"`    // recorded at or after
	To     time.Time `json:"to,omitzero"`      // recorded before
	Before int64     `json:"-"`                // seq: only older ones; 0: all
	After  int64     `json:"-"`                // seq: only newer ones
	Rising bool      `json:"-"`                // oldest first
	Brief  bool      `json:"-"`                // without the personal data of events that have a lot of it, for pages that show none of it
	Limit  int       `json:"-"`                // 50 if 0
}

// Narrow reports whether the filter leaves anything out, apart from the org.
func (f Filter) Narrow() bool {
	return f.Action != "" || f.Actor != "" || f.Target != "" || !f.From.IsZero() || !f.To.IsZero()
}

// List returns events, newest first unless Rising.
func List(tx *store.Tx, f Filter) ([]Entry, error) {
	if f.Limit == 0 {
		f.Limit = 50
	}
	if err := f.narrowToTime(tx); err != nil {
		return nil, err
	}
	entries, err := selectEvents(tx, f)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if err := entries[i].decode(); err != nil {
			return nil, err
		}
	}
	return entries, discloseAll(tx, entries, f.Brief)
}

// muchPersonal is more than an event of one person has: the daily count of the orgs' logs has a thousand.
const muchPersonal = 20

// discloseAll fills in what is left of the personal data of events, with a statement for many of them.
func discloseAll(tx *store.Tx, entries []Entry, brief bool) error {
	for len(entries) > 0 {
		some := entries[:min(len(entries), manyDisclosures)]
		entries = entries[len(some):]
		seqs := make([]int64, 0, len(some))
		for i, e := range some {
			switch {
			case brief && e.digests > muchPersonal:
				some[i].digests = 0 // not known, and not said to be erased
			case e.digests > 0:
				seqs = append(seqs, e.Seq)
			}
		}
		if len(seqs) == 0 {
			continue
		}
		left, err := disclosuresOf(tx, seqs)
		if err != nil {
			return err
		}
		for i := range some {
			some[i].disclose(left[some[i].Seq])
		}
	}
	return nil
}

// narrowToTime turns the times into seqs. The seq is what orders the log; it has
// no gaps and times rise with it but for clocks that were set back, so that a
// binary search finds the place in a few reads and no index on time is needed.
func (f *Filter) narrowToTime(tx *store.Tx) error {
	if f.From.IsZero() && f.To.IsZero() {
		return nil
	}
	last, err := lastSeq(tx)
	if err != nil {
		return err
	}
	search := func(t time.Time) (int64, error) { // the first seq recorded at or after t
		low, high := int64(1), last+1
		for low < high {
			middle := (low + high) / 2
			ts, err := timeOf(tx, middle)
			if err != nil {
				return 0, err
			}
			if ts < t.UnixMilli() {
				low = middle + 1
			} else {
				high = middle
			}
		}
		return low, nil
	}
	if !f.From.IsZero() {
		first, err := search(f.From)
		if err != nil {
			return err
		}
		f.After = max(f.After, first-1)
	}
	if !f.To.IsZero() {
		end, err := search(f.To)
		if err != nil {
			return err
		}
		if f.Before == 0 || end < f.Before {
			f.Before = end
		}
	}
	return nil
}

// ByID is one event.
func ByID(tx *store.Tx, id string) (Entry, error) {
	e, err := selectEvent(tx, id)
	if err != nil {
		return e, err
	}
	return e, e.read(tx)
}

// read fills in what stands in the body and the disclosures.
func (e *Entry) read(tx *store.Tx) error {
	if err := e.decode(); err != nil || e.digests == 0 {
		return err
	}
	left, err := selectDisclosures(tx, e.Seq)
	if err == nil {
		e.disclose(left)
	}
	return err
}

// decode fills in what stands in the body.
func (e *Entry) decode() error {
	if e.Body == nil {
		e.Dropped = true
		return nil
	}
	var b body
	d := json.NewDecoder(bytes.NewReader(e.Body))
	d.UseNumber() // a number of the customer's app may be larger than a float
	if err := d.Decode(&b); err != nil {
		return err
	}
	e.Targets, e.Session, e.Job, e.Source = b.Targets, b.Session, b.Job, b.Source
	e.Changes, e.Details, e.ClockBack = b.Changes, b.Details, b.ClockBack
	if b.OnBehalfOf != nil {
		e.OnBehalfOf = *b.OnBehalfOf
	}
	if b.Occurred != 0 {
		e.Occurred = time.UnixMilli(b.Occurred).UTC()
	}
	e.Personal, e.digests = map[string]string{}, len(b.Disclosed)
	return nil
}

// disclose fills in what is left of the personal data.
func (e *Entry) disclose(left []disclosure) {
	e.disclosures = left
	for _, d := range left {
		for _, item := range d.items {
			name, value, ok := openItem(item)
			if !ok {
				continue
			}
			e.Personal[name] = value
			if d.subject == e.Actor && (name == "actor_email" || name == "email" && e.ActorEmail == "") {
				e.ActorEmail = value
			}
		}
	}
}

// ParseRef reads "type:id".
func ParseRef(s string) Ref {
	kind, id, _ := strings.Cut(s, ":")
	return Ref{kind, id}
}
