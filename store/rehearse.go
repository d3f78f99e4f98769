package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
)

// Rehearse tries the migration of a database file on a verified copy of it in a folder,
// which the caller removes. The file itself is only read, whether a server has it open or
// not. It refuses what Migrate refuses: a file that is not ours, a newer schema, a history
// with other steps.
func Rehearse(ctx context.Context, path, folder string, o MigrateOptions) (Migrated, error) {
	steps := o.Steps
	if steps == nil {
		var err error
		if steps, err = Migrations(); err != nil {
			return Migrated{}, err
		}
	}
	done := Migrated{To: len(steps), OwnTo: len(o.Own.Steps)}
	err := ReadFile(ctx, path, func(tx *Tx) (err error) {
		if done.From, err = schemaIn(tx, path, steps); err == nil {
			done.OwnFrom, err = ownIn(tx, o.Own)
		}
		return err
	})
	if err != nil || done.From == done.To && done.OwnFrom == done.OwnTo {
		return done, err
	}
	trial := filepath.Join(folder, "rehearsal-"+done.label(o.Own)+".db")
	if err := copyFile(ctx, path, trial); err != nil {
		return done, fmt.Errorf("copy for the rehearsal: %w", err)
	}
	return done, tryOn(ctx, trial, Options{}, o, steps[done.From:], done.OwnFrom)
}

// tryOn applies steps to a copy and checks what came of it. The copy goes.
func tryOn(ctx context.Context, trial string, with Options, o MigrateOptions, steps []Migration, own int) error {
	defer removeDatabase(trial)
	other, err := Open(trial, with)
	if err != nil {
		return fmt.Errorf("rehearse the migration: %w", err)
	}
	err = applyAll(ctx, other, o, steps, own)
	if err == nil {
		err = other.Check(ctx)
	}
	if err := errors.Join(err, other.Close()); err != nil {
		return fmt.Errorf("rehearse the migration on a copy (the database itself is untouched): %w", err)
	}
	return nil
}

// copyFile is DB.CopyTo of a file that another process may have open.
func copyFile(ctx context.Context, path, to string) error {
	useOFD()
	pool, err := connect(dsn(path, url.Values{"mode": {"ro"}}, "busy_timeout(10000)"), 1)
	if err != nil {
		return translate(err)
	}
	defer pool.Close()
	return vacuumInto(ctx, pool, to)
}
