package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var embedded embed.FS

// applicationID marks the file as ours in its header ("SEAW").
const applicationID = 0x53454157

// Migration is one step of the schema. Steps are linear and go forward only; a
// step that has been released never changes.
type Migration struct {
	Version int
	Name    string // <system>_<what>
	SQL     string
}

// Sum identifies the text of the step.
func (m Migration) Sum() string {
	h := sha256.Sum256([]byte(m.SQL))
	return hex.EncodeToString(h[:])
}

// Migrations are the steps built into this binary, in order.
func Migrations() ([]Migration, error) { return readMigrations(embedded) }

func readMigrations(files fs.FS) ([]Migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var all []Migration
	for i, name := range names {
		number, what, ok := strings.Cut(strings.TrimSuffix(filepath.Base(name), ".sql"), "_")
		version, err := strconv.Atoi(number)
		if !ok || err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s: the names must be NNNN_<system>_<what>.sql without gaps", name)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		all = append(all, Migration{Version: version, Name: what, SQL: string(text)})
	}
	return all, nil
}

// NewerSchemaError refuses a database that a later release has migrated.
type NewerSchemaError struct {
	Have, Known int
	Owner       string // whose steps, of an embedding program; "" for ours
}

func (e *NewerSchemaError) Error() string {
	if e.Owner != "" {
		return fmt.Sprintf("the database has schema %d of %s, this program knows up to %d: run the release that wrote it, or restore a backup from before the upgrade", e.Have, e.Owner, e.Known)
	}
	return fmt.Sprintf("the database has schema %d, this binary knows up to %d: run the release that wrote it, or restore a backup from before the upgrade", e.Have, e.Known)
}

// ForeignFileError refuses a SQLite file that is not ours.
type ForeignFileError struct{ Path string }

func (e *ForeignFileError) Error() string {
	return e.Path + " is a SQLite database, but not one of Seaworthy's: choose another --data folder"
}

// ChangedMigrationError refuses a database whose history differs from ours.
type ChangedMigrationError struct {
	Version int
	Name    string
	Owner   string // whose step, of an embedding program; "" for ours
}

func (e *ChangedMigrationError) Error() string {
	if e.Owner != "" {
		return fmt.Sprintf("migration %d (%s) of %s was applied with another text than this program has: a step that was released never changes, add another", e.Version, e.Name, e.Owner)
	}
	return fmt.Sprintf("migration %d (%s) was applied with another text than this binary has: the database comes from a different build", e.Version, e.Name)
}

// MigrateOptions say where the copy goes and who migrates.
type MigrateOptions struct {
	Backups string      // folder for the verified copy; "<folder of the database>/backups" if empty
	Binary  string      // version of the binary, kept in the history
	Steps   []Migration // the built-in ones if nil
	Own     Own         // of a program that embeds us; nothing if zero
}

// Migrated tells what Migrate did.
type Migrated struct {
	From, To       int
	OwnFrom, OwnTo int    // of the embedding program
	Copy           string // the verified copy made before, or "" when there was nothing to lose
}

// Migrate brings the schema up to date. When there is data and something to do,
// it first writes a verified copy and rehearses the steps on it; a failure at
// any point leaves the database as it was.
func Migrate(ctx context.Context, db *DB, o MigrateOptions) (Migrated, error) {
	steps := o.Steps
	if steps == nil {
		var err error
		if steps, err = Migrations(); err != nil {
			return Migrated{}, err
		}
	}
	have, err := schemaVersion(ctx, db, steps)
	if err != nil {
		return Migrated{}, err
	}
	own, err := ownVersion(ctx, db, o.Own)
	if err != nil {
		return Migrated{}, err
	}
	done := Migrated{From: have, To: len(steps), OwnFrom: own, OwnTo: len(o.Own.Steps)}
	if o.Backups == "" {
		o.Backups = filepath.Join(filepath.Dir(db.path), "backups")
	}
	if have == len(steps) && own == len(o.Own.Steps) {
		return done, endMigration(o.Backups)
	}
	if have > 0 {
		if err := copyAndRehearse(ctx, db, o, steps, &done); err != nil {
			return done, err
		}
	}
	if err := applyAll(ctx, db, o, steps[have:], own); err != nil {
		return done, err
	}
	return done, endMigration(o.Backups)
}

// applyAll runs what is left of our steps, and then of those of the embedding program.
func applyAll(ctx context.Context, db *DB, o MigrateOptions, steps []Migration, own int) error {
	if err := apply(ctx, db, steps, o.Binary); err != nil {
		return err
	}
	return applyOwn(ctx, db, o.Own, own, o.Binary)
}

// label names the schema that a migration leads to, for files.
func (m Migrated) label(own Own) string {
	if m.OwnFrom == m.OwnTo {
		return fmt.Sprintf("v%d", m.To)
	}
	return fmt.Sprintf("v%d-%s-v%d", m.To, own.Name, m.OwnTo)
}

// schemaVersion is the last step applied; it refuses files we must not touch.
func schemaVersion(ctx context.Context, db *DB, steps []Migration) (int, error) {
	return Read(ctx, db, func(tx *Tx) (int, error) { return schemaIn(tx, db.path, steps) })
}

func schemaIn(tx *Tx, path string, steps []Migration) (int, error) {
	var app, version, tables int
	if err := tx.QueryRow("PRAGMA application_id").Scan(&app); err != nil {
		return 0, err
	}
	if err := tx.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	if err := tx.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE '\\_litestream\\_%' ESCAPE '\\'").Scan(&tables); err != nil {
		return 0, err
	}
	switch {
	case app != applicationID && (tables > 0 || app != 0):
		return 0, &ForeignFileError{Path: path}
	case version > len(steps):
		return 0, &NewerSchemaError{Have: version, Known: len(steps)}
	}
	for _, m := range steps[:version] {
		var sum string
		err := tx.QueryRow("SELECT sha256 FROM schema_migration WHERE version = ?", m.Version).Scan(&sum)
		if err != nil || sum != m.Sum() {
			return 0, errors.Join(&ChangedMigrationError{Version: m.Version, Name: m.Name}, err)
		}
	}
	return version, nil
}

const createHistory = `CREATE TABLE IF NOT EXISTS schema_migration (
	version INTEGER NOT NULL PRIMARY KEY,
	name TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	binary_version TEXT NOT NULL,
	applied_at INTEGER NOT NULL
) STRICT`

// apply runs each step in a transaction of its own, with its history row.
func apply(ctx context.Context, db *DB, steps []Migration, binary string) error {
	db.stats.migrating.Store(true)
	defer db.stats.migrating.Store(false)
	for _, m := range steps {
		err := db.Write(ctx, func(tx *Tx) error {
			if _, err := tx.Exec(createHistory); err != nil {
				return err
			}
			if _, err := tx.sqlTx.Exec(m.SQL); err != nil {
				return translate(err)
			}
			// PRAGMAs take no parameters; both numbers are our own.
			header := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, m.Version)
			if _, err := tx.sqlTx.Exec(header); err != nil {
				return translate(err)
			}
			_, err := tx.Exec(`INSERT INTO schema_migration (version, name, sha256, binary_version, applied_at) VALUES (?, ?, ?, ?, ?)`,
				m.Version, m.Name, m.Sum(), binary, tx.Now().UnixMilli())
			return err
		})
		if err != nil {
			return fmt.Errorf("migration %d (%s): %w", m.Version, m.Name, err)
		}
	}
	return nil
}

// copyAndRehearse keeps a verified copy and tries the steps on a second one.
func copyAndRehearse(ctx context.Context, db *DB, o MigrateOptions, steps []Migration, done *Migrated) error {
	if err := os.MkdirAll(o.Backups, 0o700); err != nil {
		return fmt.Errorf("copy before migration: %w", err)
	}
	have, own := done.From, done.OwnFrom
	begun, err := readBegun(o.Backups)
	if err != nil {
		return fmt.Errorf("copy before migration: %w", err)
	}
	if begun.halfway(have, own) && CheckFile(ctx, begun.Copy) == nil {
		// Only the copy that was made before the first step has the database as it was.
		done.From, done.OwnFrom, done.Copy = begun.From, begun.OwnFrom, begun.Copy
	} else {
		done.Copy = filepath.Join(o.Backups, "pre-"+done.label(o.Own)+".db")
		if err := db.CopyTo(ctx, done.Copy); err != nil {
			return fmt.Errorf("copy before migration: %w", err)
		}
	}
	if err := rehearse(ctx, db, o, steps[have:], own, done.label(o.Own)); err != nil {
		return err
	}
	return begin(o.Backups, begunMigration{From: done.From, To: done.To, OwnFrom: done.OwnFrom, OwnTo: done.OwnTo, Copy: done.Copy})
}

func rehearse(ctx context.Context, db *DB, o MigrateOptions, steps []Migration, own int, label string) error {
	trial := filepath.Join(o.Backups, "rehearsal-"+label+".db")
	if err := db.CopyTo(ctx, trial); err != nil {
		return fmt.Errorf("copy for the rehearsal: %w", err)
	}
	return tryOn(ctx, trial, Options{Clock: db.clock}, o, steps, own)
}
