package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"seaworthy/store"
)

// Action is what Boot did about the database file.
type Action string

const (
	Opened   Action = "opened"   // the file is there
	Restored Action = "restored" // it was brought back from the replica
	Created  Action = "created"  // there is none anywhere: store.Open makes it
)

// BootOptions are the operator's part of the decision.
type BootOptions struct {
	FirstInstall bool         // this is a new installation: an empty replica is right
	KnownSchema  int          // newest schema this binary knows; the built-in one if 0
	Log          *slog.Logger // discarded if nil

	lease leaseTimes // tests make them small
}

// Outcome tells what Boot decided.
type Outcome struct {
	Action Action
	Epoch  string // restored from; "" otherwise
}

// LeftoverError refuses to start: the database is gone, but files that may hold
// its newest commits are still there.
type LeftoverError struct {
	DBPath string
	Files  []string
}

func (e *LeftoverError) Error() string {
	var words []string
	for _, f := range append(e.Files, filepath.Join(filepath.Dir(e.DBPath), "quarantine")+"/") {
		words = append(words, quote(f))
	}
	return fmt.Sprintf("%s is missing, but files that belong to it are still there and may hold its newest commits. "+
		"If you have the database file, put it back. If not, move them aside (do not delete them) and start again:\n\n"+
		"  mkdir -p %s && mv %s\n", e.DBPath, words[len(words)-1], strings.Join(words, " "))
}

// ReplacedError refuses to start: the log beside the database belongs to
// another file and would be replayed into this one.
type ReplacedError struct{ DBPath string }

func (e *ReplacedError) Error() string {
	q := quote(filepath.Join(filepath.Dir(e.DBPath), "quarantine") + "/")
	return fmt.Sprintf("%s is not the file that was there before, but the write-ahead log of the old one is still beside it "+
		"and would be replayed into it. Move the log aside and start again:\n\n  mkdir -p %s && mv %s %s\n",
		e.DBPath, q, quote(e.DBPath+"-wal"), q)
}

// FirstInstallError refuses to create an empty database beside an empty remote
// replica, which is also what a mistyped path looks like.
type FirstInstallError struct{ Location string }

func (e *FirstInstallError) Error() string {
	return fmt.Sprintf("there is no database here and the replica at %s is empty. If this is a new installation, "+
		"start once with --first-install (or SEAWORTHY_FIRST_INSTALL=1); if not, check the replica's path", e.Location)
}

// UnnamedError refuses to choose: the replica has data, but nothing says which
// epoch is the newest.
type UnnamedError struct {
	Location string
	Names    []string // what is at its root
}

func (e *UnnamedError) Error() string {
	return fmt.Sprintf("the replica at %s holds data (%s) but nothing in it that can be restored by itself: "+
		"restore one of its epochs by name, or give a new installation another path", e.Location, strings.Join(e.Names, ", "))
}

// Boot decides, before the database is opened, whether it is opened, restored
// or created (spec/storage.md section 1, point 4). It never creates a database
// while the replica might hold one, and never deletes a file that might hold a
// commit. An *UnreachableError is worth another try; the others need a person.
func Boot(ctx context.Context, cfg Config, dbPath string, o BootOptions) (Outcome, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dbPath, err := filepath.Abs(dbPath)
	if err != nil {
		return Outcome{}, fmt.Errorf("boot: %w", err)
	}
	there, err := exists(dbPath)
	if err != nil {
		return Outcome{}, fmt.Errorf("boot: %w", err)
	}
	if there {
		return Outcome{Action: Opened}, checkLog(dbPath)
	}
	var left []string
	for _, side := range sidecars(dbPath) {
		there, err := exists(side)
		if err != nil {
			return Outcome{}, fmt.Errorf("boot: %w", err)
		}
		if there {
			left = append(left, side)
		}
	}
	if len(left) > 0 {
		return Outcome{}, &LeftoverError{DBPath: dbPath, Files: left}
	}
	return bootMissing(ctx, cfg, dbPath, o)
}

// checkLog refuses a log that belongs to a file which was here before.
func checkLog(dbPath string) error {
	m, err := readMarker(dbPath)
	if err != nil {
		return fmt.Errorf("boot: %w", err)
	}
	ino, err := inode(dbPath)
	if err != nil {
		return fmt.Errorf("boot: %w", err)
	}
	if m.Inode == 0 || m.Inode == ino || store.WALBytes(dbPath) == 0 {
		return nil
	}
	return &ReplacedError{DBPath: dbPath}
}

// bootMissing restores what the replica has or proves that it has nothing.
func bootMissing(ctx context.Context, cfg Config, dbPath string, o BootOptions) (Outcome, error) {
	dir := filepath.Dir(dbPath)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Outcome{}, fmt.Errorf("boot: %w", err)
	}
	if err := removeStale(dbPath); err != nil {
		return Outcome{}, fmt.Errorf("boot: %w", err)
	}
	if err := bootLease(ctx, cfg, dbPath, o); err != nil {
		return Outcome{}, err
	}
	out, err := Restore(ctx, cfg, dbPath, RestoreOptions{KnownSchema: o.KnownSchema, Log: o.Log})
	if err == nil {
		o.Log.Warn("the database was missing and has been restored from the replica",
			"replica", cfg.Replica.Location(), "epoch", out.Epoch, "bytes", out.Bytes, "schema", out.Schema)
		return Outcome{Action: Restored, Epoch: out.Epoch}, nil
	}
	if !errors.Is(err, ErrNothing) {
		return Outcome{}, err
	}
	location := cfg.Replica.Location()
	r := openRoot(cfg.Replica, callTimeout)
	defer r.close()
	names, err := r.list(ctx)
	if err != nil {
		return Outcome{}, unreachable(location, err)
	}
	// Epochs that were begun but never got data are as good as none; data that
	// current.json does not lead to is not.
	data, err := holdsData(ctx, cfg.Replica, names)
	if err != nil {
		return Outcome{}, unreachable(location, err)
	}
	if data {
		return Outcome{}, &UnnamedError{location, names}
	}
	if !o.FirstInstall && !cfg.Replica.under(dir) {
		return Outcome{}, &FirstInstallError{location}
	}
	return Outcome{Action: Created}, nil
}
