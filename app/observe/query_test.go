package observe

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// watching is a system that watches a database with a table of n rows, and says what it says.
func watching(t *testing.T, slow time.Duration, rows int) (*System, *store.DB) {
	t.Helper()
	s := New(Options{Folder: t.TempDir(), SlowQuery: slow, Release: "1.0.0"})
	db, err := store.Open(filepath.Join(t.TempDir(), "business.db"), store.Options{Watch: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); db.Close() })
	s.Attach(Deps{DB: db})
	if err := db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.SQL().Exec(`CREATE TABLE invoice (id TEXT NOT NULL PRIMARY KEY, customer TEXT NOT NULL, status TEXT NOT NULL, created INTEGER NOT NULL) STRICT`)
		for n := range rows {
			if err == nil {
				_, err = tx.SQL().Exec(`INSERT INTO invoice (id, customer, status, created) VALUES (?, ?, ?, ?)`, fmt.Sprintf("inv_%06d", n), fmt.Sprintf("cus_%d", n%100), "open", n)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return s, db
}

const byCustomer = `SELECT id FROM invoice
	WHERE customer = ? AND status = ? ORDER BY created DESC LIMIT 20`

// ask runs a query within a request.
func ask(t *testing.T, s *System, db *store.DB, times int) *web.Origin {
	t.Helper()
	o := &web.Origin{RequestID: "req_1", Route: "GET /invoices", Trace: web.NewTrace(), Start: time.Now()}
	ctx := s.Begin(web.WithOrigin(t.Context(), o))
	for range times {
		if err := db.Read(ctx, func(tx *store.Tx) error {
			_, err := store.All(tx, func(r store.Scanner) (id string, err error) { return id, r.Scan(&id) }, byCustomer, "cus_1", "open")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	s.End(o, 200, time.Since(o.Start))
	return o
}

func find(t *testing.T, s *System, part string) Query {
	t.Helper()
	all, err := s.Queries(t.Context(), time.Hour, "total")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range all {
		if strings.Contains(q.Text, part) {
			return q
		}
	}
	t.Fatalf("no statement with %q: %+v", part, all)
	return Query{}
}

// What was counted is the same before and after it went to the file, and after a restart.
func TestStatementsAreCountedByShape(t *testing.T) {
	t.Parallel()
	s, db := watching(t, time.Hour, 50)
	ask(t, s, db, 3)
	check := func(when string, s *System) {
		t.Helper()
		q := find(t, s, "FROM invoice WHERE customer")
		if q.Count != 3 || q.Rows != 0 && q.Rows != 3 || q.Errors != 0 || q.TotalMS <= 0 || q.P95MS < q.P50MS || !strings.Contains(q.Caller, "observe.ask") || !strings.Contains(q.Caller, "query_test.go:") {
			t.Errorf("%s: %+v", when, q)
		}
		d, err := s.Query(t.Context(), q.ID, time.Hour)
		if err != nil || len(d.Sources) != 1 || d.Sources[0].Name != "GET /invoices" || d.Sources[0].Count != 3 || len(d.Points) != 1 || d.Points[0].Count != 3 {
			t.Errorf("%s: %+v, %v", when, d, err)
		}
		all, err := s.statementsOf(t.Context(), Series{Ours, "GET /invoices"}, time.Hour)
		if err != nil || len(all) != 1 || all[0].N != 3 || all[0].Share < 99 {
			t.Errorf("%s: statements of the route %+v, %v", when, all, err)
		}
	}
	check("counted", s)
	if err := s.files.ready(s.now()); err != nil {
		t.Fatal(err)
	}
	s.keepQueries(s.files.main)
	check("stored", s)
	if _, err := s.Query(t.Context(), "nothing", time.Hour); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a statement that is none: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	later := New(Options{Folder: s.o.Folder})
	defer later.Close()
	check("after a restart", later)
}

// A slow statement is kept with the plan of that time, who ran it and on whose behalf.
func TestSlowStatementIsKeptWithItsPlan(t *testing.T) {
	t.Parallel()
	s, db := watching(t, time.Nanosecond, 50)
	o := ask(t, s, db, 1)
	s.Flush()
	q := find(t, s, "FROM invoice WHERE customer")
	all, err := s.Slow(t.Context(), SlowFilter{Query: q.ID, Limit: 10})
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	one := all[0]
	if one.Kind != "slow" || !strings.Contains(one.Plan, "SCAN invoice") || !strings.Contains(one.Plan, "TEMP B-TREE") || one.Trace != o.Trace || one.Request != "req_1" || one.Source != "ours GET /invoices" ||
		!strings.Contains(one.Caller, "observe.ask") || one.RunMS <= 0 {
		t.Errorf("%+v", one)
	}
	// With the index that is advised, the plan is another, and both are known.
	advice, err := s.Advise(t.Context(), q.ID)
	if err != nil || len(advice.Indexes) != 1 || advice.Indexes[0].SQL != "CREATE INDEX invoice_customer_status_created ON invoice (customer, status, created DESC)" || advice.Indexes[0].Rows != 50 {
		t.Fatalf("%+v, %v", advice, err)
	}
	if err := db.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.SQL().Exec(advice.Indexes[0].SQL); return err }); err != nil {
		t.Fatal(err)
	}
	found, _ := s.shapes.byID.Load(q.ID)
	found.(*shape).asked.Store(0)
	ask(t, s, db, 1)
	s.Flush()
	d, err := s.Query(t.Context(), q.ID, time.Hour)
	if err != nil || len(d.Plans) != 2 || !strings.Contains(d.Now, "SEARCH invoice USING INDEX invoice_customer_status_created") {
		t.Errorf("%+v, %v", d, err)
	}
	if again, err := s.Advise(t.Context(), q.ID); err != nil || len(again.Indexes) != 0 || again.Note == "" {
		t.Errorf("once there is the index: %+v, %v", again, err)
	}
}

// A statement that one request runs again and again is found, with the line that does.
func TestRepeatedStatementIsFound(t *testing.T) {
	t.Parallel()
	s, db := watching(t, time.Hour, 3000)
	ask(t, s, db, manyTimes-1)
	s.Flush()
	if all, err := s.Slow(t.Context(), SlowFilter{Limit: 10}); err != nil || len(all) != 0 {
		t.Fatalf("nine times: %+v, %v", all, err)
	}
	o := ask(t, s, db, 3*manyTimes)
	s.Flush()
	all, err := s.Slow(t.Context(), SlowFilter{Limit: 10})
	if err != nil || len(all) != 1 || all[0].Kind != "n+1" || all[0].Times != 3*manyTimes || !strings.Contains(all[0].Caller, "query_test.go:") || all[0].Trace != o.Trace {
		t.Fatalf("%+v, %v", all, err)
	}
	page, err := s.Traces(t.Context(), TraceFilter{Limit: 10, Reason: "n+1"})
	if err != nil || len(page.Traces) != 1 || page.Traces[0].ID != o.Trace || page.Traces[0].Statements != 3*manyTimes {
		t.Errorf("%+v, %v", page, err)
	}
}

// Who waits for the writer is kept, with who held it up.
func TestWaitIsKeptWithItsBlocker(t *testing.T) {
	t.Parallel()
	s, db := watching(t, 5*time.Millisecond, 1)
	o := &web.Origin{RequestID: "req_slow", Route: "POST /slow", Trace: web.NewTrace()}
	slow := s.Begin(web.WithOrigin(context.Background(), o))
	waiting, done := make(chan struct{}), make(chan error, 2)
	go func() {
		done <- db.Write(slow, func(*store.Tx) error {
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
	other := &web.Origin{RequestID: "req_2", Route: "POST /quick", Trace: web.NewTrace(), Start: time.Now()}
	ctx := s.Begin(web.WithOrigin(context.Background(), other))
	go func() {
		done <- db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE invoice SET status = ? WHERE id = ?`, "paid", "inv_000000")
			return err
		})
	}()
	for db.Stats().Waiting == 0 {
		runtime.Gosched()
	}
	close(waiting)
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
	s.End(other, 500, time.Since(other.Start))
	s.Flush()
	all, err := s.Slow(t.Context(), SlowFilter{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, one := range all {
		if one.Kind == "wait" && one.Request == "req_2" {
			found = true
			if one.GateMS < 15 || !strings.Contains(one.Blocker, "TestWaitIsKeptWithItsBlocker") || !strings.Contains(one.Blocker, "POST /slow req_slow") || !strings.Contains(one.Blocker, o.Trace) {
				t.Errorf("%+v", one)
			}
		}
	}
	if !found {
		t.Errorf("the wait is not kept: %+v", all)
	}
	q := find(t, s, "UPDATE invoice")
	if q.Writes != 1 || q.GateMS < 15 || q.CommitMS <= 0 {
		t.Errorf("%+v", q)
	}
	d, err := s.Trace(t.Context(), other.Trace)
	if err != nil || len(d.Spans) != 3 || d.Spans[1].Op != "db.transaction" || d.Spans[2].Op != "db.sql" || d.Spans[2].Depth != 2 || d.Spans[1].Attrs["blocker"] == nil {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestValuesOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		marks int
		want  string
		wrong bool
	}{
		"none":      {"", 0, "[]", false},
		"kinds":     {"12\nNULL\n'12'\n1.5\ncus_1\n", 5, "[12 <nil> 12 1.5 cus_1]", false},
		"empty":     {"", 1, "[]", false},
		"windows":   {"a\r\nb", 2, "[a b]", false},
		"too few":   {"a", 2, "", true},
		"too many":  {"a\nb", 1, "", true},
		"too large": {strings.Repeat("x", 9<<10), 1, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values, err := valuesOf(c.text, c.marks)
			if (err != nil) != c.wrong || err == nil && fmt.Sprint(values) != c.want && name != "empty" {
				t.Errorf("%v, %v", values, err)
			}
		})
	}
}
