// Package store is the one door to SQLite: a single writer that groups
// concurrent transactions into one durable commit, a pool of read-only
// connections, typed errors and migrations. No other package knows a driver.
//
// Everything here follows spec/storage.md; DESIGN section 4 has the grammar.
package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
)

// Options say how to open a database. The zero value is right for production.
type Options struct {
	Clock     func() time.Time // the time every Tx reads once; time.Now if nil
	Log       *slog.Logger     // slow holders, foreign writers; discarded if nil
	BusyWait  time.Duration    // how long a write waits for another process's lock; 10 s if 0
	MaxBatch  int              // most closures in one commit; 512 if 0
	Readers   int              // read connections; 2 a core, at least 4, if 0
	CacheMmap int64            // bytes of the file readers map into memory; 256 MiB if 0
	Watch     Watcher          // is told what statements and transactions take; nobody if nil
}

// DB is an open database: one writer, many readers, one exclusive lock.
type DB struct {
	path    string
	clock   func() time.Time
	log     *slog.Logger
	lock    *fileLock
	ids     ids
	topics  topics
	readers *readers
	writer  *writer
	stats   counters

	keepWAL  atomic.Bool
	closed   atomic.Bool
	failOnce sync.Once
	failed   chan struct{}
	failErr  error
}

// useOFD makes SQLite's locks belong to the open file and not to the process:
// otherwise any open and close of the file by us (a hash, a copy, Litestream)
// silently drops them (spec/storage.md section 1, point 1).
var useOFD = sync.OnceFunc(func() { sqlite.OFDLocking(true) })

// Open locks, opens and configures the database file, creating it when it is
// missing. It does not migrate; see Migrate. A second process on the same file
// gets an *InUseError.
func Open(path string, o Options) (*DB, error) {
	useOFD()
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.BusyWait == 0 {
		o.BusyWait = 10 * time.Second
	}
	if o.MaxBatch == 0 {
		o.MaxBatch = 512
	}
	if o.Readers == 0 {
		o.Readers = max(4, 2*runtime.NumCPU())
	}
	if o.CacheMmap == 0 {
		o.CacheMmap = 256 << 20
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	db := &DB{path: path, clock: o.Clock, log: o.Log, lock: lock, failed: make(chan struct{})}
	if err := db.open(o); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, translate(err))
	}
	return db, nil
}

func (db *DB) open(o Options) error {
	if err := os.Chmod(db.path, 0o600); err != nil && !os.IsNotExist(err) {
		return err
	}
	w, err := newWriter(db, o)
	if err != nil {
		return err
	}
	db.writer = w
	if err := w.afterFailure(); err != nil {
		return err
	}
	if err := os.Chmod(db.path, 0o600); err != nil {
		return err
	}
	db.readers, err = newReaders(db.path, o)
	return err
}

// Close waits for the writes already handed in, then closes every connection
// and releases the lock. Later calls fail with ErrClosed.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return nil
	}
	var err error
	if db.writer != nil {
		err = db.writer.close()
	}
	if db.readers != nil {
		db.readers.close(db.beforeClose)
	}
	db.lock.release()
	return err
}

// Path is the absolute path of the database file.
func (db *DB) Path() string { return db.path }

// Now is the store's clock, for code that stands outside a transaction.
func (db *DB) Now() time.Time { return db.clock() }

// Failed is closed when the file must not be written any more (a failed fsync,
// a corrupt page, see also Fence); FailErr says why. The process should exit and be restarted.
func (db *DB) Failed() <-chan struct{} { return db.failed }

// FailErr is the reason Failed was closed, or nil.
func (db *DB) FailErr() error {
	select {
	case <-db.failed:
		return db.failErr
	default:
		return nil
	}
}

// Fence refuses every later write and closes Failed, for a reason outside of the file:
// somebody else is its owner now. The file itself is sound.
func (db *DB) Fence(err error) {
	db.failOnce.Do(func() {
		db.failErr = err
		close(db.failed)
	})
}

// fail is Fence for a file that is in doubt. The mark is left even if somebody fenced the
// database before: it is about what the next start finds.
func (db *DB) fail(err error) {
	db.markFailed(err)
	db.Fence(err)
}

// dsn builds a data source name in which every connection gets every pragma.
// busy_timeout comes first: the later ones may already need a lock.
func dsn(path string, params url.Values, pragmas ...string) string {
	if params == nil {
		params = url.Values{}
	}
	params["_pragma"] = pragmas
	params.Set("_dqs", "0")
	params.Set("_defensive", "1")
	u := url.URL{Scheme: "file", Path: path, RawQuery: params.Encode()}
	return strings.Replace(u.String(), "file://", "file:", 1)
}

// connect opens a pool of n connections, all kept.
func connect(dsn string, n int) (*sql.DB, error) {
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	if err := pool.PingContext(context.Background()); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}
