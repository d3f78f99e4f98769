package flags

import (
	"slices"
	"time"
)

// Flag is a flag as it is stored.
type Flag struct {
	Key        string
	Definition string // JSON, one flag object of flagd's
	Version    int    // raised by each change; 1 is the first
	State      State
	Owner      string    // "" for none
	Expires    time.Time // zero for never
	Created    time.Time
	Changed    time.Time
	Archived   time.Time // zero: it is evaluated
	Use        Use
}

// State is what a list is narrowed by. It follows from the definition.
type State string

const (
	On       State = "on"
	Off      State = "off"      // flagd's DISABLED
	Killed   State = "killed"   // by its own switch
	Faulty   State = "faulty"   // imported, and cannot be evaluated: it answers PARSE_ERROR
	Archived State = "archived" // not evaluated any more; its history is kept
)

// States are all of them.
var States = []State{On, Off, Killed, Faulty, Archived}

// Use is when a flag was evaluated.
type Use struct {
	Last    time.Time // zero: never, as far as is known
	Variant string    // the only one that was served since Since; "" for several
	Since   time.Time
}

// staleAfter is after how long a flag that nothing asks for, or that serves one
// variant alone, is suspected to be left over.
const staleAfter = 30 * 24 * time.Hour

// Stale says why a flag may be left over; "" when nothing speaks for it.
func (f Flag) Stale(now time.Time) string {
	old := now.Add(-staleAfter)
	last := f.Use.Last
	if last.IsZero() {
		last = f.Created
	}
	switch {
	case f.State == Archived:
		return ""
	case !f.Expires.IsZero() && f.Expires.Before(now):
		return "past its expiry date"
	case last.Before(old):
		return "not evaluated for 30 days"
	case f.Use.Variant != "" && f.Use.Since.Before(old) && f.Changed.Before(old):
		return "has served only " + f.Use.Variant + " for 30 days"
	}
	return ""
}

// Version is one of the versions a flag or a segment has had.
type Version struct {
	Number     int
	Act        string // created changed archived unarchived restored imported scheduled deleted
	Definition string // of a flag, or the rule of a segment
	Comment    string
	By         string // type:id
	At         time.Time
}

// stateOf is the state that a definition says.
func (d Definition) stateOf() State {
	switch {
	case d.Extension.Killed:
		return Killed
	case d.State == "DISABLED":
		return Off
	}
	return On
}

// Filter narrows a list of flags; empty fields do not.
type Filter struct {
	Query string // how the key begins
	State State  // "" is all but the archived
	Owner string
	Tag   string
	Stale bool   // only those that may be left over
	After string // key; those up to it are left out
	Limit int
}

// known reports whether a filter's state is one.
func (f Filter) known() bool { return f.State == "" || slices.Contains(States, f.State) }
