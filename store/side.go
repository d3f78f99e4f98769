package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"
)

// SideOptions say how to open a file beside the business database.
type SideOptions struct {
	Clock    func() time.Time // time.Now if nil
	MaxBytes int64            // most bytes the file may have (PRAGMA max_page_count); no bound if 0
	BusyWait time.Duration    // how long for another process's lock; 2 s if 0
	Readers  int              // read connections; 2 if 0
	Existing bool             // never create it: a missing file is ErrReadOnly
	Schema   []string         // what brings an empty file to version 1, that to 2, and so on
}

// Side is a small database of its own, for what may be lost: one connection that
// writes, a few that read, WAL with synchronous=NORMAL, so that a commit waits for
// no disk and a killed process loses nothing but what it had not committed. It is
// neither locked against other processes nor replicated.
type Side struct {
	path    string
	db      *DB // its clock and ids; no file
	readers *readers
	mu      sync.Mutex // of the writer
	writer  *statements
	closed  bool
	release func() // of the writer's pool
}

// ErrNewer says that a file was made by a later version of the program.
var ErrNewer = errors.New("store: the file was made by a newer version")

// sidePage is the size of a page in bytes, SQLite's own default.
const sidePage = 4096

// OpenSide opens or creates the file and brings its schema up.
func OpenSide(path string, o SideOptions) (*Side, error) {
	useOFD()
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.BusyWait == 0 {
		o.BusyWait = 2 * time.Second
	}
	if o.Readers == 0 {
		o.Readers = 2
	}
	s := &Side{path: path, db: &DB{clock: o.Clock}}
	if err := s.open(o); err != nil {
		s.Close()
		return nil, fmt.Errorf("open %s: %w", path, translate(err))
	}
	return s, nil
}

func (s *Side) open(o SideOptions) error {
	if !o.Existing { // with this mode SQLite makes the log and its index alike
		f, err := os.OpenFile(s.path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		f.Close()
	}
	pragmas := []string{fmt.Sprintf("busy_timeout(%d)", o.BusyWait.Milliseconds()), fmt.Sprintf("page_size(%d)", sidePage),
		"journal_mode(wal)", "synchronous(NORMAL)", "foreign_keys(1)", "temp_store(memory)"}
	if o.MaxBytes > 0 {
		pragmas = append(pragmas, fmt.Sprintf("max_page_count(%d)", max(1, o.MaxBytes/sidePage)))
	}
	pool, err := connect(dsn(s.path, url.Values{"mode": {"rw"}}, pragmas...), 1)
	if err != nil {
		return err
	}
	s.release = func() { pool.Close() }
	if err := os.Chmod(s.path, 0o600); err != nil {
		return err
	}
	conn, err := pool.Conn(context.Background())
	if err != nil {
		return err
	}
	steady(conn)
	s.writer = &statements{conn: conn}
	if err := s.migrate(o.Schema); err != nil {
		return err
	}
	// No memory mapping: a file that somebody truncates would end the process.
	s.readers, err = newReaders(s.path, Options{BusyWait: o.BusyWait, Readers: o.Readers})
	return err
}

// migrate applies what the file has not seen; PRAGMA user_version counts.
func (s *Side) migrate(schema []string) error {
	ctx := context.Background()
	var version int
	if err := s.writer.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(schema) && len(schema) > 0 {
		return ErrNewer
	}
	for ; version < len(schema); version++ {
		step := fmt.Sprintf("BEGIN IMMEDIATE;\n%s;\nPRAGMA user_version = %d;\nCOMMIT", schema[version], version+1)
		if _, err := s.writer.conn.ExecContext(ctx, step); err != nil {
			s.writer.conn.ExecContext(ctx, "ROLLBACK")
			return err
		}
	}
	return nil
}

// Path is where the file lies.
func (s *Side) Path() string { return s.path }

// Write runs fn in a transaction of its own, one at a time. A failed or panicking
// fn leaves nothing. It may wait for another process's lock as long as the options say.
// AfterCommit works in fn; Notify does not, nobody can listen to a Side.
func (s *Side) Write(ctx context.Context, fn func(*Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if err := s.writer.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			s.writer.conn.ExecContext(context.Background(), "ROLLBACK") // fails where SQLite has done it already
		}
	}()
	tx := &Tx{ctx: ctx, db: s.db, stmts: s.writer, now: s.db.clock().UTC().Truncate(time.Millisecond), write: true}
	if err := fn(tx); err != nil {
		return err
	}
	if err := s.writer.exec("COMMIT"); err != nil {
		return err
	}
	done = true
	for _, f := range tx.after {
		f()
	}
	return nil
}

// Read runs fn on a snapshot of the last commit.
func (s *Side) Read(ctx context.Context, fn func(*Tx) error) error {
	r, _, err := s.readers.lend(ctx)
	if err != nil {
		return err
	}
	defer func() { s.readers.free <- r }()
	tx := &Tx{ctx: ctx, db: s.db, stmts: r, now: s.db.clock().UTC().Truncate(time.Millisecond)}
	return r.snapshot(func() error { return fn(tx) })
}

// Check runs SQLite's quick check, which reads the whole file.
func (s *Side) Check(ctx context.Context) error {
	return s.Read(ctx, func(tx *Tx) error {
		var said string
		if err := tx.QueryRow("PRAGMA quick_check(1)").Scan(&said); err != nil {
			return err
		}
		if said != "ok" {
			return fmt.Errorf("%w: %s", ErrCorrupt, said)
		}
		return nil
	})
}

// Close writes the log back into the file and closes every connection, once the
// reads that are out have come back.
func (s *Side) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.readers != nil {
		s.readers.close(nil)
	}
	var err error
	if s.writer != nil {
		s.writer.close()
		err = s.writer.conn.Close()
	}
	if s.release != nil {
		s.release()
	}
	return err
}

// RemoveSide deletes a file that nobody here has open, with its log and index.
func RemoveSide(path string) { removeDatabase(path) }
