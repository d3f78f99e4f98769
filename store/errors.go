package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"seaworthy/store/trail"
)

// The kinds of failure a caller can act on. Test with errors.Is. They are
// derived from SQLite's result codes (https://www.sqlite.org/rescode.html),
// never from message text.
var (
	// ErrNotFound: the row asked for does not exist.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict: a UNIQUE or PRIMARY KEY constraint refused the row.
	ErrConflict = errors.New("store: conflict")
	// ErrReference: a FOREIGN KEY points at nothing, or something still points here.
	ErrReference = errors.New("store: broken reference")
	// ErrConstraint: a CHECK, NOT NULL, STRICT type or guard trigger refused the row.
	ErrConstraint = errors.New("store: constraint")
	// ErrBusy: the write lock was not to be had in time; try again later.
	ErrBusy = errors.New("store: busy")
	// ErrFull: the disk or the database's page limit is full.
	ErrFull = errors.New("store: full")
	// ErrReadOnly: the file or file system does not accept writes now.
	ErrReadOnly = errors.New("store: read-only")
	// ErrIO: the disk failed. The writer stops on a failed fsync, because what
	// the page cache holds after one is unknown; see DB.Failed.
	ErrIO = errors.New("store: i/o")
	// ErrCorrupt: the file is not a sound database.
	ErrCorrupt = errors.New("store: corrupt")
	// ErrClosed: the database was closed, or is being closed.
	ErrClosed = errors.New("store: closed")
)

// Error is a failure reported by SQLite, with its extended result code.
type Error struct {
	Code int   // extended result code
	kind error // one of the Err values above, or nil
	err  error // what the driver said
}

func (e *Error) Error() string {
	if e.kind == nil {
		return fmt.Sprintf("store: sqlite %d: %v", e.Code, e.err)
	}
	return fmt.Sprintf("%v (sqlite %d: %v)", e.kind, e.Code, e.err)
}

// Unwrap lets errors.Is find the kind and errors.As the driver's error.
func (e *Error) Unwrap() []error { return []error{e.kind, e.err} }

// translate gives a driver or database/sql error its kind.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	var done *Error
	if errors.As(err, &done) {
		return err
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return noted(&Error{Code: lite.Code(), kind: kindOf(lite.Code()), err: err})
	}
	return err
}

// noted has an error remember which calls led to it, unless it is an answer that callers reckon with.
func noted(err error) error {
	if reckonedWith(err) {
		return err
	}
	return trail.Mark(err)
}

func reckonedWith(err error) bool {
	return err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict)
}

// kindOf maps an extended result code to one of the Err values.
func kindOf(code int) error {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return ErrConflict
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return ErrReference
	}
	switch code & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_AUTH:
		return ErrConstraint
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrBusy
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return ErrReadOnly
	case sqlite3.SQLITE_IOERR:
		return ErrIO
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return ErrCorrupt
	}
	return nil
}

// fatal reports whether a failure means the process must not go on with this
// file: after a failed fsync the kernel may have dropped the dirty pages, so
// the only safe step is to reopen (spec/storage.md section 3).
func fatal(err error) bool {
	var e *Error
	if !errors.As(err, &e) || errors.Is(err, ErrClosed) {
		return false // or known already
	}
	return failedSync(err) || e.Code == sqlite3.SQLITE_IOERR_SHORT_READ || errors.Is(err, ErrCorrupt)
}

func failedSync(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Code == sqlite3.SQLITE_IOERR_FSYNC || e.Code == sqlite3.SQLITE_IOERR_DIR_FSYNC)
}

// endsTransaction reports whether SQLite may have rolled the whole transaction
// back on its own after this failure (https://www.sqlite.org/lang_transaction.html).
func endsTransaction(err error) bool {
	return errors.Is(err, ErrFull) || errors.Is(err, ErrIO) || errors.Is(err, ErrReadOnly) ||
		errors.Is(err, ErrCorrupt) || errors.Is(err, ErrBusy)
}

// Retryable reports whether the same call may succeed later without a change
// by the caller: the database was busy, full, read-only or failing.
func Retryable(err error) bool {
	return endsTransaction(err) || errors.Is(err, ErrClosed) || errors.Is(err, context.DeadlineExceeded)
}

// Uncertain reports whether it is not known if the write was saved: its fsync
// failed, and what reached the disk shows only after a restart.
func Uncertain(err error) bool { return fatal(err) && failedSync(err) }
