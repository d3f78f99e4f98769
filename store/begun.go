package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// begunMigration is a note beside the copies while steps are applied. A process that dies
// between two steps leaves a database that is half migrated; a copy of that must not
// replace the one from before.
type begunMigration struct {
	From    int    `json:"from"`
	To      int    `json:"to"`
	OwnFrom int    `json:"own_from,omitempty"` // of the embedding program
	OwnTo   int    `json:"own_to,omitempty"`
	Copy    string `json:"copy"` // of the database at From
}

func begunPath(backups string) string { return filepath.Join(backups, "migrating.json") }

// readBegun is the note of a migration that did not end; zero if there is none.
func readBegun(backups string) (b begunMigration, err error) {
	text, err := os.ReadFile(begunPath(backups))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil && json.Unmarshal(text, &b) != nil {
		return begunMigration{}, nil // torn: then no step was applied after it
	}
	return b, err
}

// halfway reports whether a database of that schema is what the migration left: some of
// its steps were applied, and not all.
func (b begunMigration) halfway(have, own int) bool {
	within := b.From <= have && have <= b.To && b.OwnFrom <= own && own <= b.OwnTo
	return within && (have > b.From || own > b.OwnFrom) && (have < b.To || own < b.OwnTo)
}

func begin(backups string, b begunMigration) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	path := begunPath(backups)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("note the migration: %w", err)
	}
	return errors.Join(syncPath(path), syncPath(backups))
}

func endMigration(backups string) error {
	if err := os.Remove(begunPath(backups)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("end the migration: %w", err)
	}
	return nil
}

// PutBack makes the database what it was before the last migration: the verified copy
// takes its place, and the migrated file is kept at the returned path. The schema must be
// that of the copy; anything else is refused and nothing is changed. Only for a database
// that nobody has open and that took no traffic since.
func PutBack(ctx context.Context, path, copied string, schema int) (aside string, err error) {
	has, _, err := FileSchema(ctx, copied)
	if err == nil && has != schema {
		err = fmt.Errorf("it has schema %d, not %d", has, schema)
	}
	if err == nil {
		err = CheckFile(ctx, copied)
	}
	if err != nil {
		return "", fmt.Errorf("put %s back: %w", copied, err)
	}
	// The log is folded into the file and goes: it would be replayed into the other.
	db, err := Open(path, Options{})
	if err != nil {
		return "", fmt.Errorf("put %s back: %w", copied, err)
	}
	now, err := schemaOf(ctx, db)
	if err = errors.Join(err, db.Scrub(ctx), db.Close()); err != nil {
		return "", fmt.Errorf("put %s back: %w", copied, err)
	}
	if n := WALBytes(path); n != 0 {
		return "", fmt.Errorf("put %s back: %d bytes of the log are still in use", copied, n)
	}
	for _, side := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + side); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("put %s back: %w", copied, err)
		}
	}
	again, err := Open(copied, Options{})
	if err != nil {
		return "", err
	}
	fresh := path + ".back"
	if err = errors.Join(again.CopyTo(ctx, fresh), again.Close()); err != nil {
		return "", fmt.Errorf("put %s back: %w", copied, err)
	}
	aside = filepath.Join(filepath.Dir(copied), fmt.Sprintf("failed-v%d.db", now))
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Link(path, aside); err != nil {
		return "", fmt.Errorf("keep the migrated database: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return "", fmt.Errorf("put %s back: %w", copied, err)
	}
	return aside, errors.Join(syncPath(filepath.Dir(path)), endMigration(filepath.Dir(copied)))
}

func schemaOf(ctx context.Context, db *DB) (int, error) {
	return Read(ctx, db, func(tx *Tx) (v int, err error) { return v, tx.QueryRow("PRAGMA user_version").Scan(&v) })
}
