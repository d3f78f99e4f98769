package store

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// watched is what a watcher was told.
type watched struct {
	mu     sync.Mutex
	all    []Statement
	calls  []string // who ran each statement
	writes []Transaction
}

func (w *watched) Shape(text string) any { return text }

func (w *watched) Statement(_ context.Context, s Statement) {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	caller := ""
	for f, more := frames.Next(); more && caller == ""; f, more = frames.Next() {
		if strings.HasSuffix(f.File, "watch_test.go") && !strings.HasSuffix(f.Function, ".Statement") {
			caller = f.Function
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all, w.calls = append(w.all, s), append(w.calls, caller)
}

func (w *watched) Transaction(_ context.Context, t Transaction) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, t)
}

func openWatched(t *testing.T) (*DB, *watched) {
	t.Helper()
	w := &watched{}
	db, err := Open(filepath.Join(t.TempDir(), "watched.db"), Options{Watch: w})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Write(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(`CREATE TABLE thing (n INTEGER NOT NULL PRIMARY KEY) STRICT`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w.all, w.calls, w.writes = nil, nil, nil
	return db, w
}

func TestStatementsAreWatched(t *testing.T) {
	t.Parallel()
	db, w := openWatched(t)
	boom := errors.New("boom")
	if err := db.Write(t.Context(), func(tx *Tx) error {
		for n := range 3 {
			if _, err := tx.Exec(`INSERT INTO thing (n) VALUES (?)`, n); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`INSERT INTO thing (n) VALUES (?)`, 1); !errors.Is(err, ErrConflict) {
			t.Error(err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(*Tx) error { return boom }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if err := db.Read(t.Context(), func(tx *Tx) error {
		_, err := All(tx, func(s Scanner) (n int, err error) { return n, s.Scan(&n) }, `SELECT n FROM thing WHERE n > ?`, 0)
		var n int
		return errors.Join(err, tx.QueryRow(`SELECT n FROM thing WHERE n = 2`).Scan(&n))
	}); err != nil {
		t.Fatal(err)
	}
	const insert = `INSERT INTO thing (n) VALUES (?)`
	want := []struct {
		text   string
		rows   int64
		write  bool
		failed bool
	}{{insert, 1, true, false}, {insert, 1, true, false}, {insert, 1, true, false}, {insert, 0, true, true},
		{`SELECT n FROM thing WHERE n > ?`, 2, false, false}, {`SELECT n FROM thing WHERE n = 2`, 1, false, false}}
	if len(w.all) != len(want) {
		t.Fatalf("%d statements were seen: %+v", len(w.all), w.all)
	}
	for i, s := range w.all {
		if s.Shape != want[i].text || s.Rows != want[i].rows || s.Write != want[i].write || (s.Err != nil) != want[i].failed || s.Took <= 0 {
			t.Errorf("statement %d = %+v", i, s)
		}
		if !strings.Contains(w.calls[i], "TestStatementsAreWatched") {
			t.Errorf("statement %d is on the stack of %q", i, w.calls[i])
		}
	}
	if len(w.writes) != 2 || w.writes[0].Err != nil || !errors.Is(w.writes[1].Err, boom) || w.writes[0].Commit <= 0 || w.writes[0].Run <= 0 {
		t.Errorf("transactions = %+v", w.writes)
	}
}

// Who waits for the writer learns how long, and for whom.
func TestWhoHoldsTheWriterUpIsNamed(t *testing.T) {
	t.Parallel()
	db, w := openWatched(t)
	type key struct{}
	waiting := make(chan struct{})
	first := make(chan error)
	go func() {
		first <- db.Write(context.WithValue(context.Background(), key{}, "slow"), func(*Tx) error {
			<-waiting
			for start := time.Now(); time.Since(start) < 20*time.Millisecond; {
				runtime.Gosched()
			}
			return nil
		})
	}()
	for db.Stats().Holder == "" {
		runtime.Gosched()
	}
	second := make(chan error)
	go func() { second <- db.Write(context.Background(), func(*Tx) error { return nil }) }()
	for db.Stats().Waiting == 0 {
		runtime.Gosched()
	}
	close(waiting)
	if err := errors.Join(<-first, <-second); err != nil {
		t.Fatal(err)
	}
	for _, one := range w.writes {
		if one.Gate < 15*time.Millisecond {
			continue
		}
		if b := one.Blocker; !strings.Contains(b.Name, "TestWhoHoldsTheWriterUpIsNamed") || b.Ctx.Value(key{}) != "slow" || b.Held < 15*time.Millisecond {
			t.Errorf("blocker = %+v", b)
		}
		return
	}
	t.Errorf("nobody waited: %+v", w.writes)
}

// A lock that another process has is told apart from our own queue.
func TestLockOfAnotherProcessIsMeasured(t *testing.T) {
	t.Parallel()
	db, w := openWatched(t)
	other, err := connect(dsn(db.Path(), nil, "busy_timeout(1000)"), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- db.Write(context.Background(), func(*Tx) error { return nil }) }()
	for db.Stats().LockWait < 20*time.Millisecond {
		runtime.Gosched()
	}
	if _, err := conn.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(w.writes) != 1 || w.writes[0].Lock < 20*time.Millisecond || w.writes[0].Gate > w.writes[0].Lock || w.writes[0].Blocker.Name != "another process" {
		t.Errorf("transactions = %+v", w.writes)
	}
}
