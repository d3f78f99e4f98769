package outbox

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/queue"
	"seaworthy/store"
)

func TestRowsBecomeJobs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	r.start()
	r.is(Watching, "")
	a.exec(`INSERT INTO seaworthy_outbox (id, kind, args, queue, endpoint, priority, run_at, key, created)
		VALUES ('one', 'invoice.send', '{"n": 1}', 'mail', 'billing', 7, 1800000000000, 'customer 5', 1),
		('two', 'test.do', NULL, NULL, NULL, NULL, NULL, NULL, NULL)`)
	r.wants("one two")
	a.empties()
	got, err := store.Read(t.Context(), r.db, func(tx *store.Tx) ([]queue.Record, error) {
		return queue.List(tx, queue.Filter{Limit: 9})
	})
	must(t, err)
	for i, want := range []string{`two test.do null default default 0 false `, `one invoice.send {"n": 1} mail billing 7 true customer 5`} {
		j := got[i]
		if s := fmt.Sprint(j.Idempotency, " ", j.Kind, " ", string(j.Args), " ", j.Queue, " ", j.Endpoint, " ", j.Priority, " ", j.RunAt.Equal(time.UnixMilli(1800000000000)), " ", j.Key); s != want || j.Source != "outbox:app" {
			t.Errorf("got %s, want %s", s, want)
		}
	}
	if n := r.count(`SELECT count(*) FROM audit_event WHERE action = 'outbox.relayed'`); n != 1 {
		t.Errorf("%d events about one transaction", n)
	}
	eventually(t, "nothing waits", func() bool { return r.status().Backlog == 0 })
	if s := r.status(); s.Relayed != 2 || s.LastRelay.IsZero() || s.Lag != 0 || s.Bad != 0 || s.Polling {
		t.Errorf("%+v", s)
	}
}

// The recipes show the table as it is.
func TestRecipesHaveTheTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("RECIPES.md")
	must(t, err)
	if !strings.Contains(string(text), DDL) {
		t.Error("RECIPES.md has another table than DDL")
	}
}

// Rolled back with the app's transaction, there is no job.
func TestRolledBackRowIsNoJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	r.start()
	r.is(Watching, "")
	tx, err := a.pool.Begin()
	must(t, err)
	_, err = tx.Exec(`INSERT INTO seaworthy_outbox (id, kind) VALUES ('never', 'test.do')`)
	must(t, err)
	must(t, tx.Rollback())
	a.add("yes")
	r.wants("yes")
}

// While jobs cannot be stored, rows wait where they are.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	var full atomic.Bool
	full.Store(true)
	r.w.enqueue = func(tx *store.Tx, source string, row Row) (bool, error) {
		if full.Load() {
			return false, store.ErrFull
		}
		return insert(tx, source, row)
	}
	a.add("one")
	r.start()
	r.is(Failed, "jobs cannot be stored: store: full")
	if s := r.status(); s.Backlog != 1 || s.Lag == 0 || a.rows() != "one" {
		t.Errorf("%+v, rows %s", s, a.rows())
	}
	full.Store(false)
	r.wants("one")
	r.is(Watching, "")
}

// While nothing can be delivered at all, rows wait unmarked.
func TestHeld(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	var open atomic.Bool
	r.w.enqueue = func(tx *store.Tx, source string, row Row) (bool, error) {
		if !open.Load() {
			return false, &HoldError{"no endpoint is configured"}
		}
		return insert(tx, source, row)
	}
	a.add("one")
	a.add("two")
	r.start()
	r.is(Failed, "no endpoint is configured")
	if a.rows() != "one; two" {
		t.Errorf("rows %s", a.rows())
	}
	open.Store(true)
	r.wants("one two")
}

func TestBacklogInSlices(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	const n = 450
	a.exec(`WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 450)
		INSERT INTO seaworthy_outbox (id, kind, args) SELECT printf('%05d', i), 'test.do', '{}' FROM c`)
	// Large ones: a slice has a bound in bytes too.
	a.exec(`WITH RECURSIVE c(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM c WHERE i < 20)
		INSERT INTO seaworthy_outbox (id, kind, args) SELECT printf('x%04d', i), 'test.do', '"' || printf('%.*c', 200000, 'y') || '"' FROM c`)
	var most, slices atomic.Int64
	var large atomic.Int64
	r.w.relayed = func(k int) {
		most.Store(max(most.Load(), int64(k)))
		if slices.Add(1); slices.Load() > 3 {
			large.Store(max(large.Load(), int64(k)))
		}
		if slices.Load() == 1 && r.status().Backlog != n+20-k {
			t.Errorf("backlog %d after the first %d", r.status().Backlog, k)
		}
	}
	r.start()
	eventually(t, "all are jobs", func() bool { return len(jobs(t, r.db)) == n+20 })
	a.empties()
	if most.Load() > maxBatch || slices.Load() < 6 || large.Load() > 7 {
		t.Errorf("%d slices of at most %d, large ones %d", slices.Load(), most.Load(), large.Load())
	}
	got := jobs(t, r.db)
	for i, id := range got[:n] {
		if id != fmt.Sprintf("%05d", i+1) {
			t.Fatalf("row %d is %s: not in the order of writing", i, id)
		}
	}
}

// A row that the app changes between our reading and our removal is not removed.
func TestChangedRowIsNotRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	a.add("one")
	changed := false
	r.w.relayed = func(n int) {
		if n == 1 && !changed {
			changed = true
			a.exec(`UPDATE seaworthy_outbox SET args = '{"n":2}'`)
		}
	}
	r.start()
	eventually(t, "the changed row is marked", func() bool { return strings.HasPrefix(a.rows(), "one: id was used before for another job") })
}

// A row that is a job and cannot be removed is not made a job over and over, and
// goes as soon as it can.
func TestRemovalRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	var times atomic.Int64
	r.w.enqueue = func(tx *store.Tx, source string, row Row) (bool, error) {
		times.Add(1)
		return insert(tx, source, row)
	}
	a.exec(`CREATE TRIGGER no BEFORE DELETE ON seaworthy_outbox BEGIN SELECT RAISE(ABORT, 'not today'); END`)
	a.add("one")
	r.start()
	r.is(Failed, "not today")
	var again atomic.Int64
	r.w.status.set(time.Now(), NoFile, "") // so that the next attempt is seen
	r.is(Failed, "not today")
	again.Store(times.Load())
	a.exec(`DROP TRIGGER no`)
	a.empties()
	r.is(Watching, "")
	if times.Load() != 1 || again.Load() != 1 || r.jobs() != "one" {
		t.Errorf("made a job %d times; jobs %s", times.Load(), r.jobs())
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.newApp()
	s := New(Deps{DB: r.db, Audit: r.audit, Enqueue: r.enqueue, Files: []File{{"app", r.path}, {"missing", r.path + "x"}}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	eventually(t, "one is watched", func() bool { return s.Status()[0].State == Watching })
	if s := s.Status(); len(s) != 2 || s[1].State != NoFile || s[1].Name != "missing" {
		t.Errorf("%+v", s)
	}
	cancel()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("Run does not end")
	}
}
