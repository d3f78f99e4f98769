package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"seaworthy/app/handover"
	"seaworthy/store"
)

// start is one start of a binary on a data folder, which may end with the return to the
// binary before it: as long as no job and no request has run, nothing is lost by that.
type start struct {
	data string
	s    *service
	boot *handover.Boot
	self handover.Identity
}

// newStart looks at how the start before this one ended. If that was a crash of this same
// binary, or this one has been given up, the former takes its place and newStart does not return.
func newStart(ctx context.Context, data string, s *service) (*start, error) {
	boot, err := handover.ReadBoot(data)
	if err != nil {
		return nil, err
	}
	self, err := handover.Identify(handover.Self)
	if err != nil {
		return nil, fmt.Errorf("which file is this program: %w", err)
	}
	st := &start{data: data, s: s, boot: boot, self: self}
	switch {
	case boot.Refused == self && st.former() != "":
		fmt.Fprintf(os.Stderr, "seaworthy: %s could not start before (%s); the old binary runs in its place. To try it again: touch %s\n", s.binary, boot.Why, s.binary)
		return st, s.exec(st.former())
	case boot.Crashed(self) && st.former() != "":
		return st, st.giveUp(ctx, errors.New("it ended without a word before it served, as by a crash"))
	case boot.Proven(self):
		return st, nil
	}
	return st, st.attempt(ctx)
}

// former is the binary to return to, "" if there is none or it is this one.
func (st *start) former() string {
	path := st.boot.Former(st.s.binary)
	if id, err := handover.Identify(path); err != nil || id == st.self {
		return ""
	}
	return path
}

func (st *start) database() string { return filepath.Join(st.data, "seaworthy.db") }

// attempt notes that this binary tries to start, and on what.
func (st *start) attempt(ctx context.Context) error {
	if st.boot.Attempt != nil && st.boot.Attempt.Binary == st.self {
		return nil // its schema is the one from before the first try
	}
	if err := os.MkdirAll(st.data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	a := handover.Attempt{Binary: st.self, At: time.Now()}
	if _, err := os.Stat(st.database()); err == nil {
		if a.Schema, _, err = store.FileSchema(ctx, st.database()); err != nil {
			return err
		}
	}
	st.boot.Attempt = &a
	return st.boot.Save()
}

// begin is called before the first job and request: from here on the database stays.
func (st *start) begin() error {
	if st.boot.Attempt == nil {
		return nil
	}
	st.boot.Attempt.Begun = true
	return st.boot.Save()
}

// served notes that this binary can do its work.
func (st *start) served() error {
	if on, err := handover.Identify(st.s.binary); err == nil && on == st.self {
		st.boot.Refused, st.boot.Why = handover.Identity{}, ""
	}
	if st.boot.Attempt == nil && st.boot.Proven(st.self) && st.boot.Why == "" {
		return nil
	}
	st.boot.Served, st.boot.Attempt = st.self, nil
	return st.boot.Save()
}

// failed decides what follows from an error before the end. It returns it, or does not
// return because the former binary goes on.
func (st *start) failed(ctx context.Context, err error) error {
	inUse := (*store.InUseError)(nil)
	if st.boot.Attempt == nil {
		return err
	}
	if ctx.Err() != nil || errors.As(err, &inUse) || st.former() == "" {
		st.boot.Attempt = nil // an error that was told is no crash
		return errors.Join(err, st.boot.Save())
	}
	return errors.Join(err, st.giveUp(context.WithoutCancel(ctx), err))
}

// refusedLine is for a configuration that a binary refuses before it opens anything: one
// that took another's place gives it back. It returns the error otherwise.
func refusedLine(ctx context.Context, data string, v release, why error) error {
	path, err := handover.Binary()
	if err != nil {
		return why
	}
	if _, err := os.Stat(handover.Old(path)); err != nil {
		return why
	}
	s, err := newService(ctx, data, v)
	if err != nil {
		return why
	}
	defer s.end()
	st, err := newStart(ctx, data, s)
	if err != nil {
		return why
	}
	return st.failed(ctx, why)
}

// giveUp has the former binary go on, with the database as it was.
func (st *start) giveUp(ctx context.Context, why error) error {
	a := st.boot.Attempt
	note, err := st.undo(ctx, a)
	if err != nil {
		return fmt.Errorf("the old binary %s cannot take over: %w", st.former(), err)
	}
	old := st.former()
	st.boot.Refused, st.boot.Attempt = st.self, nil
	st.boot.Why = fmt.Sprintf("%.300s", why)
	if err := st.boot.Save(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "seaworthy: the new binary %s could not start: %v\n"+
		"seaworthy: the old one, %s, goes on. %s No request and no job ran in between, so nothing is lost.\n"+
		"seaworthy: when the cause is mended, try the new one again: touch %s, and reload or restart\n", st.s.binary, why, old, note, st.s.binary)
	return st.s.exec(old)
}

// undo puts the database back if the attempt has migrated it, and says what it did.
func (st *start) undo(ctx context.Context, a *handover.Attempt) (note string, err error) {
	if _, err := os.Stat(st.database()); err != nil {
		return "There was no database yet.", nil
	}
	have, known, err := store.FileSchema(ctx, st.database())
	if err != nil {
		return "", err
	}
	switch {
	case have == a.Schema || a.Schema == 0:
		return "The database is as it was.", nil
	case a.Begun:
		return "", fmt.Errorf("the database was migrated from schema %d to %d and jobs or requests may have run since; "+
			"to go back all the same, and lose those, stop and put %s in place of %s", a.Schema, have, st.copied(known), st.database())
	}
	aside, err := store.PutBack(ctx, st.database(), st.copied(known), a.Schema)
	return fmt.Sprintf("The database is that from before the migration (schema %d); the migrated one is kept as %s.", a.Schema, aside), err
}

// copied is the verified copy that a migration to that schema makes first.
func (st *start) copied(known int) string {
	return filepath.Join(st.data, "backups", fmt.Sprintf("pre-v%d.db", known))
}

// keepRunning keeps the binary that runs under the name of the old one, before another
// takes its place. Where the folder is not ours to write, whoever replaced the file has to.
func keepRunning(path string) error {
	self, err := handover.Identify(handover.Self)
	if err != nil {
		return err
	}
	for _, kept := range []string{path, handover.Old(path)} {
		if id, err := handover.Identify(kept); err == nil && id == self {
			return nil
		}
	}
	text, err := os.ReadFile(handover.Self)
	if err != nil {
		return err
	}
	tmp := handover.Old(path) + ".tmp"
	if err := writeDurably(tmp, text, 0o755); err != nil {
		return err
	}
	// As it was proven: the copy counts as the same file.
	modified := time.Unix(0, self.Modified)
	if err := os.Chtimes(tmp, modified, modified); err != nil {
		return err
	}
	return os.Rename(tmp, handover.Old(path))
}
