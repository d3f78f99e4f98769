// Package outbox relays jobs that an app in any language writes into a table of
// its own SQLite file, in its own transaction (the outbox pattern). Seaworthy
// watches the file, makes a job of each row and removes the row, within
// milliseconds of the app's commit.
//
// Two files cannot be committed as one, so a row is first made a job, in one
// transaction of ours, and then removed. Whatever happens in between, the row is
// found again and its id tells that the job exists: it becomes a job exactly once
// (spec/jobs.md section 3B). RECIPES.md is for the people who write the app.
package outbox

import (
	"context"
	"log/slog"
	"sync"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// Enqueue makes a job of a row in tx and reports whether it is a new one. source
// and row.ID are its idempotency key: a second call with the same two adds nothing.
// It returns a *RowError, and has then written nothing, for a row that can never be
// a job, and a *HoldError while no row can be; any other error is tried again, with
// each row alone if it is not the database's.
type Enqueue func(tx *store.Tx, source string, row Row) (added bool, err error)

// HoldError says why no row can be a job now; all wait.
type HoldError struct{ Reason string }

func (e *HoldError) Error() string { return e.Reason }

// actRelayed is recorded once for all rows of a transaction.
const actRelayed audit.Action = "outbox.relayed"

// Actions are outbox's part of the catalogue.
var Actions = []audit.Kind{
	{Action: actRelayed, Title: "Outbox relayed", Means: "Jobs that the app wrote into the outbox of its own database were taken over."},
}

// File is a database of the app's to watch.
type File struct {
	Name string // part of the idempotency key of its rows: it must stay the same
	Path string
}

// Deps are what the relay works with.
type Deps struct {
	DB      *store.DB
	Audit   *audit.Log
	Log     *slog.Logger // discarded if nil
	Enqueue Enqueue
	Files   []File
}

// System relays the rows of all files.
type System struct{ watches []*watch }

// New makes the relay; Run starts it.
func New(d Deps) *System {
	s := &System{}
	for _, f := range d.Files {
		s.watches = append(s.watches, newWatch(d, f))
	}
	return s
}

// Run relays until ctx ends, and returns when every file is closed.
func (s *System) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, w := range s.watches {
		all.Go(func() { w.run(ctx) })
	}
	all.Wait()
}

// Status tells how each file does, in the order of the configuration.
func (s *System) Status() []FileStatus {
	all := make([]FileStatus, 0, len(s.watches))
	for _, w := range s.watches {
		all = append(all, w.status.read(w.db.Now()))
	}
	return all
}
