// Package glance is the vocabulary of the console's home: how a system stands, told by
// itself as data, in one card. app lists the systems, app/console gathers and shows
// what they say, to people as a page and to programs over the API.
package glance

import (
	"cmp"
	"context"
	"slices"
	"time"

	"seaworthy/store"
)

// Kind is how grave something is.
type Kind string

// The kinds, in the order in which they concern people.
const (
	Danger Kind = "danger" // it does not work
	Warn   Kind = "warn"   // somebody should look
	OK     Kind = "ok"
	Quiet  Kind = "quiet" // not in use, or nothing to say
)

var gravity = map[Kind]int{Danger: 3, Warn: 2, OK: 1, Quiet: 0}

// State is how something stands, as a pill says it.
type State struct {
	Kind   Kind   `json:"kind"`
	Word   string `json:"word"`
	Detail string `json:"detail,omitempty"`
}

// Or is the graver of two states, and this one where both are as grave.
func (s State) Or(other State) State {
	if gravity[other.Kind] > gravity[s.Kind] {
		return other
	}
	return s
}

// Need is something that waits for a person, as a sentence.
type Need struct {
	Key    string    `json:"key"` // what it is about: two of one key say the same, and the last stays
	System string    `json:"system"`
	Kind   Kind      `json:"kind"` // danger or warn
	Text   string    `json:"text"`
	Since  time.Time `json:"since,omitzero"` // zero: not known
	Path   string    `json:"path"`           // where to see to it

	Permission string `json:"-"` // that whoever is told must have; "" for that of the card
}

// Card is a system at a glance.
type Card struct {
	System  string   `json:"system"`
	Title   string   `json:"title"`
	Icon    string   `json:"-"`
	Path    string   `json:"path"`
	State   State    `json:"state"`
	Numbers []Number `json:"numbers"`        // two or three
	Line    *Line    `json:"line,omitempty"` // nil: nothing that goes on in time
	Needs   []Need   `json:"-"`              // gathered for all systems
}

// Source is a system's card. It must be quick: it counts nothing that grows, but reads
// rollups and short windows of an index.
type Source struct {
	System     string
	Title      string
	Icon, Path string
	Permission string // that whoever sees the card must have; "" for none beyond the console's
	Card       func(ctx context.Context, tx *store.Tx) (Card, error)
}

// Urgent puts needs in the order in which people should see to them: the gravest first, of these
// what has lasted longest. Of those with one key the last given stays.
func Urgent(all []Need) []Need {
	last := map[string]int{}
	for i, n := range all {
		last[n.Key] = i
	}
	kept := make([]Need, 0, len(all))
	for i, n := range all {
		if n.Key == "" || last[n.Key] == i {
			kept = append(kept, n)
		}
	}
	slices.SortStableFunc(kept, func(a, b Need) int {
		return cmp.Or(gravity[b.Kind]-gravity[a.Kind], a.since().Compare(b.since()))
	})
	return kept
}

// since sorts what nobody knows the begin of behind the rest.
func (n Need) since() time.Time {
	if n.Since.IsZero() {
		return time.Unix(1<<40, 0)
	}
	return n.Since
}
