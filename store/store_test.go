package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// openTest opens a fresh database with one small table.
func openTest(t *testing.T, o Options) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "test.db"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	must(t, db.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.SQL().Exec(`CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL CHECK (body <> 'bad')) STRICT;
			CREATE TABLE part (id TEXT NOT NULL PRIMARY KEY, thing TEXT NOT NULL REFERENCES thing (id) DEFERRABLE INITIALLY DEFERRED) STRICT`)
		return err
	}))
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func insert(id, body string) func(*Tx) error {
	return func(tx *Tx) error {
		_, err := tx.Exec("INSERT INTO thing (id, body) VALUES (?, ?)", id, body)
		return err
	}
}

func rowIDs(t *testing.T, db *DB) []string {
	t.Helper()
	all, err := Read(t.Context(), db, func(tx *Tx) ([]string, error) {
		return All(tx, func(r Scanner) (id string, err error) { return id, r.Scan(&id) }, "SELECT id FROM thing ORDER BY id")
	})
	must(t, err)
	return all
}

// heldGroup hands in n closures while the writer is paused, so that they share one group.
func heldGroup(t *testing.T, db *DB, n int, submit func(i int)) {
	t.Helper()
	release := make(chan struct{})
	paused := make(chan struct{})
	go db.Pause(context.Background(), "test", func() error { close(paused); <-release; return nil })
	<-paused
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { submit(i) })
	}
	for db.Stats().Waiting < n {
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
}

func TestOneBadClosureInAGroupOfHundredHarmsNobody(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	cancelled, cancel := context.WithCancel(context.Background())
	for name, bad := range map[string]func(db *DB) error{
		"errors": func(db *DB) error {
			return db.Write(context.Background(), func(tx *Tx) error { must(t, insert("bad", "x")(tx)); return boom })
		},
		"constraint": func(db *DB) error { return db.Write(context.Background(), insert("bad", "bad")) },
		"panics": func(db *DB) (err error) {
			defer func() { err, _ = recover().(*PanicError) }()
			return db.Write(context.Background(), func(tx *Tx) error { must(t, insert("bad", "x")(tx)); panic("boom") })
		},
		"cancelled in mid-closure": func(db *DB) error {
			return db.Write(cancelled, func(tx *Tx) error {
				cancel()
				must(t, insert("bad", "x")(tx)) // statements still run: nothing is interrupted
				return context.Cause(cancelled)
			})
		},
		"fails only at commit": func(db *DB) error {
			return db.Write(context.Background(), func(tx *Tx) error {
				_, err := tx.Exec("INSERT INTO part (id, thing) VALUES (?, ?)", "p", "nobody")
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t, Options{})
			errs := make([]error, 100)
			heldGroup(t, db, 100, func(i int) {
				if i == 50 {
					errs[i] = bad(db)
					return
				}
				errs[i] = db.Write(context.Background(), insert(fmt.Sprintf("t%03d", i), "x"))
			})
			for i, err := range errs {
				if (err != nil) != (i == 50) {
					t.Errorf("closure %d: %v", i, err)
				}
			}
			if got := rowIDs(t, db); len(got) != 99 || slices.Contains(got, "bad") {
				t.Errorf("%d rows, bad among them: %v", len(got), slices.Contains(got, "bad"))
			}
			must(t, db.Check(t.Context()))
		})
	}
}

func TestCancelledWhileWaitingNeverRuns(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	release, paused := make(chan struct{}), make(chan struct{})
	go db.Pause(context.Background(), "test", func() error { close(paused); <-release; return nil })
	<-paused
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := db.Write(ctx, insert("late", "x"))
	close(release)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("want a deadline, got %v", err)
	}
	must(t, db.Write(t.Context(), insert("next", "x")))
	if got := rowIDs(t, db); !slices.Equal(got, []string{"next"}) {
		t.Fatalf("rows: %v", got)
	}
}

func TestGroupSharesOneCommit(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	before := db.Stats()
	heldGroup(t, db, 200, func(i int) { must(t, db.Write(context.Background(), insert(fmt.Sprint(i), "x"))) })
	after := db.Stats()
	if w, g := after.Writes-before.Writes, after.Groups-before.Groups; w != 200 || g > 5 {
		t.Fatalf("%d writes in %d commits", w, g)
	}
}

func TestAfterCommitAndNotifyComeOnlyAfterACommit(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	woken := db.Listen("topic")
	ran := 0
	err := db.Write(t.Context(), func(tx *Tx) error {
		tx.AfterCommit(func() { ran++ })
		tx.Notify("topic")
		return errors.New("no")
	})
	if err == nil || ran != 0 || len(woken) != 0 {
		t.Fatalf("err %v, ran %d, woken %d", err, ran, len(woken))
	}
	must(t, db.Write(t.Context(), func(tx *Tx) error {
		tx.AfterCommit(func() { ran++ })
		tx.AfterCommit(func() { panic("contained") })
		tx.Notify("topic")
		return nil
	}))
	if ran != 1 || len(woken) != 1 {
		t.Fatalf("ran %d, woken %d", ran, len(woken))
	}
}

func TestErrorsHaveKinds(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	must(t, db.Write(t.Context(), insert("a", "x")))
	for name, c := range map[string]struct {
		want error
		fn   func(*Tx) error
	}{
		"conflict": {ErrConflict, insert("a", "y")},
		"check":    {ErrConstraint, insert("b", "bad")},
		"strict": {ErrConstraint, func(tx *Tx) error {
			_, err := tx.Exec("INSERT INTO thing (id, body) VALUES (?, ?)", "c", nil)
			return err
		}},
		"none":       {ErrNotFound, func(tx *Tx) error { var s string; return tx.QueryRow("SELECT id FROM thing WHERE id = 'z'").Scan(&s) }},
		"none to do": {ErrNotFound, func(tx *Tx) error { return tx.ExecOne("DELETE FROM thing WHERE id = ?", "z") }},
		"reference":  {ErrReference, func(tx *Tx) error { _, err := tx.Exec("INSERT INTO part (id, thing) VALUES ('p', 'z')"); return err }},
	} {
		if err := db.Write(t.Context(), c.fn); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	err := db.Read(t.Context(), func(tx *Tx) error { _, err := tx.Exec("DELETE FROM thing"); return err })
	if !errors.Is(err, errReadTx) {
		t.Errorf("write in a read: %v", err)
	}
	err = db.Read(t.Context(), func(tx *Tx) error { _, err := tx.Query("DELETE FROM thing RETURNING id"); return err })
	if !errors.Is(err, ErrReadOnly) && err == nil {
		t.Errorf("write through a query in a read: %v", err)
	}
}

func TestFullDatabaseRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	setLimit := func(pages int) {
		must(t, db.Pause(t.Context(), "test", func() error {
			_, err := db.writer.conn.ExecContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count(%d)", pages))
			return err
		}))
	}
	setLimit(12)
	big := strings.Repeat("x", 4000)
	var full error
	acked := 0
	for i := 0; full == nil && i < 50; i++ {
		if full = db.Write(t.Context(), insert(fmt.Sprintf("t%02d", i), big)); full == nil {
			acked++
		}
	}
	if !errors.Is(full, ErrFull) || !Retryable(full) {
		t.Fatalf("want full, got %v", full)
	}
	if db.Stats().LastFailure == nil {
		t.Error("the failure is not shown")
	}
	// A group in which one does not fit: the small one still commits.
	var small, large error
	heldGroup(t, db, 2, func(i int) {
		if i == 0 {
			large = db.Write(context.Background(), insert("large", strings.Repeat("x", 100_000)))
		} else {
			small = db.Write(context.Background(), func(tx *Tx) error { _, err := tx.Exec("UPDATE thing SET body = 'y' WHERE id = 't00'"); return err })
		}
	})
	if small != nil || !errors.Is(large, ErrFull) {
		t.Errorf("small %v, large %v", small, large)
	}
	if got := len(rowIDs(t, db)); got != acked {
		t.Errorf("%d rows, %d acknowledged", got, acked)
	}
	setLimit(100000)
	must(t, db.Write(t.Context(), insert("recovered", big)))
	if db.Stats().LastFailure != nil {
		t.Error("the failure is still shown after a commit")
	}
	must(t, db.Check(t.Context()))
}

func TestForeignProcessHoldsTheLock(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{BusyWait: 400 * time.Millisecond})
	other, err := sql.Open("sqlite", "file:"+db.Path()+"?_txlock=immediate")
	must(t, err)
	defer other.Close()
	held, err := other.Begin()
	must(t, err)

	// Longer than the wait: a clear error, and nothing written.
	if err := db.Write(t.Context(), insert("refused", "x")); !errors.Is(err, ErrBusy) {
		t.Fatalf("want busy, got %v", err)
	}
	// A caller's own deadline ends its wait, not the writer's.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	first := make(chan error, 1)
	go func() { first <- db.Write(context.Background(), insert("kept", "x")) }()
	for db.Stats().LockWait == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := db.Write(ctx, insert("gone", "x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("want a deadline, got %v", err)
	}
	// Released in time: the waiting write succeeds.
	_, err = held.Exec("INSERT INTO thing (id, body) VALUES ('foreign', 'x')")
	must(t, err)
	must(t, held.Commit())
	must(t, <-first)
	if got := rowIDs(t, db); !slices.Equal(got, []string{"foreign", "kept"}) {
		t.Fatalf("rows: %v", got)
	}
	must(t, db.Write(t.Context(), insert("more", "x")))
	if db.Stats().Foreign == 0 {
		t.Error("the foreign writer was not noticed")
	}
}

func TestClosedDatabase(t *testing.T) {
	t.Parallel()
	db := openTest(t, Options{})
	must(t, db.Close())
	if err := db.Write(t.Context(), insert("a", "x")); !errors.Is(err, ErrClosed) {
		t.Errorf("write: %v", err)
	}
	if err := db.Read(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("read: %v", err)
	}
	must(t, db.Close())
}
