package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// CopyTo writes a compact, consistent copy of the database to path, replacing
// what is there, and verifies it. Writes go on meanwhile.
func (db *DB) CopyTo(ctx context.Context, path string) error {
	pool, err := connect(dsn(db.path, url.Values{}, "busy_timeout(10000)"), 1)
	if err != nil {
		return translate(err)
	}
	defer pool.Close()
	return vacuumInto(ctx, pool, path)
}

func vacuumInto(ctx context.Context, pool *sql.DB, path string) error {
	tmp := path + ".tmp"
	removeDatabase(tmp)
	if _, err := pool.ExecContext(ctx, "VACUUM INTO ?", tmp); err != nil {
		removeDatabase(tmp)
		return fmt.Errorf("copy the database: %w", translate(err))
	}
	if err := CheckFile(ctx, tmp); err != nil {
		removeDatabase(tmp)
		return err
	}
	if err := os.Chmod(tmp, 0o600); err != nil {
		return err
	}
	if err := syncPath(tmp); err != nil {
		return err
	}
	// A log left beside an older file of that name by a killed process would be
	// read as this one's: SQLite does not tie a log to its database. The older file itself
	// is there until the new one is.
	removeBeside(path)
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

// Check runs the full integrity and foreign key checks on the open database.
func (db *DB) Check(ctx context.Context) error {
	return db.Read(ctx, func(tx *Tx) error {
		return check(func(query string, dest ...any) error { return tx.QueryRow(query).Scan(dest...) })
	})
}

// CheckFile runs the same checks on a file that nobody has open.
func CheckFile(ctx context.Context, path string) error {
	useOFD()
	pool, err := connect(dsn(path, url.Values{"mode": {"ro"}}, "busy_timeout(10000)"), 1)
	if err != nil {
		return fmt.Errorf("check %s: %w", path, translate(err))
	}
	defer pool.Close()
	err = check(func(query string, dest ...any) error {
		return translate(pool.QueryRowContext(ctx, query).Scan(dest...))
	})
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	return nil
}

func check(queryRow func(query string, dest ...any) error) error {
	var result string
	if err := queryRow("PRAGMA integrity_check(1)", &result); err != nil {
		return err
	}
	if result != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, result)
	}
	var table string
	err := queryRow("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1", &table)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		return fmt.Errorf("%w: a row of %s", ErrReference, table)
	}
	return err
}

// removeDatabase deletes a scratch database with everything SQLite and we put beside it.
func removeDatabase(path string) {
	os.Remove(path)
	removeBeside(path)
}

func removeBeside(path string) {
	for _, suffix := range []string{"-wal", "-shm", "-journal", ".lock"} {
		os.Remove(path + suffix)
	}
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// FileSchema reads a database file's schema version, and the newest this binary
// knows.
func FileSchema(ctx context.Context, path string) (have, known int, err error) {
	useOFD()
	steps, err := Migrations()
	if err != nil {
		return 0, 0, err
	}
	pool, err := connect(dsn(path, url.Values{"mode": {"ro"}}, "busy_timeout(10000)"), 1)
	if err != nil {
		return 0, len(steps), translate(err)
	}
	defer pool.Close()
	err = pool.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have)
	return have, len(steps), translate(err)
}
