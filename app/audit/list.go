package audit

import (
	"encoding/json"
	"time"

	"seaworthy/store"
)

// Entry is an event as it is read back.
type Entry struct {
	Seq       int64
	ID        string
	Time      time.Time
	Org       string
	Actor     Ref
	Action    Action
	Targets   []Ref
	RequestID string
	Personal  map[string]string // what has not been erased
	Body      []byte            // canonical JSON, as the leaf covers it
}

// Filter narrows a list; empty fields do not.
type Filter struct {
	Action Action
	Actor  string // type:id
	Before int64  // seq: only older ones; 0: all
	After  int64  // seq: only newer ones
	Rising bool   // oldest first, by After alone
	Limit  int    // 50 if 0
}

// List returns events, newest first unless Rising.
func List(tx *store.Tx, f Filter) ([]Entry, error) {
	if f.Limit == 0 {
		f.Limit = 50
	}
	entries, err := selectEvents(tx, f)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if err := entries[i].read(tx); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// read fills in what stands in the body and the disclosures.
func (e *Entry) read(tx *store.Tx) error {
	var b body
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return err
	}
	e.Actor, e.Targets, e.Org, e.RequestID = b.Actor, b.Targets, b.Org, b.RequestID
	groups, err := selectDisclosures(tx, e.Seq)
	if err != nil {
		return err
	}
	e.Personal = map[string]string{}
	for _, text := range groups {
		var items []string
		if err := json.Unmarshal([]byte(text), &items); err != nil {
			return err
		}
		for _, item := range items {
			if name, value, ok := openItem(item); ok {
				e.Personal[name] = value
			}
		}
	}
	return nil
}
