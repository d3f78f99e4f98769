package outbox

import (
	"context"
	"errors"
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

// badRows are rows that cannot be jobs, and what is said of them.
var badRows = []struct{ name, kind, args, rest, want string }{
	{"json", "test.do", `{"n":`, "NULL, NULL, NULL, NULL", "args is no valid JSON"},
	{"kind", "Test do!", `{}`, "NULL, NULL, NULL, NULL", "kind must be a name"},
	{"large", "test.do", `"` + strings.Repeat("x", maxArgs) + `"`, "NULL, NULL, NULL, NULL", "args must be at most 262144 bytes"},
	{"seconds", "test.do", `{}`, "NULL, NULL, 1800000000, NULL", "run_at is in milliseconds since 1970, and 1800000000 looks like seconds"},
	{"when", "test.do", `{}`, "NULL, NULL, 'tomorrow', NULL", "run_at must be a whole number"},
	{"urgent", "test.do", `{}`, "NULL, 101, NULL, NULL", "priority must be from -9 to 9"},
	{"queue", "test.do", `{}`, "'a b', NULL, NULL, NULL", "queue must be a name"},
	{"key", "test.do", `{}`, "NULL, NULL, NULL, x'00ff'", "key must be text"},
	{"longkey", "test.do", `{}`, "NULL, NULL, NULL, '" + strings.Repeat("k", maxText+1) + "'", "key must be text of at most 255 bytes"},
	{strings.Repeat("i", maxID+1), "test.do", `{}`, "NULL, NULL, NULL, NULL", "id must be text of at most 255 bytes"},
	{"", "test.do", `{}`, "NULL, NULL, NULL, NULL", "id is empty"},
}

func TestBadRowsStayAndBlockNobody(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]string{"marked": "", "no column for it": "ALTER TABLE seaworthy_outbox DROP COLUMN error",
		"may not be marked": "CREATE TRIGGER no BEFORE UPDATE ON seaworthy_outbox BEGIN SELECT RAISE(ABORT, 'no'); END"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := r.newApp()
			if drop != "" {
				a.exec(drop)
			}
			a.add("first")
			for _, b := range badRows {
				a.exec(`INSERT INTO seaworthy_outbox (id, kind, args, queue, priority, run_at, key) VALUES (?, ?, ?, `+b.rest+`)`, b.name, b.kind, b.args)
			}
			a.add("last")
			r.start()
			r.wants("first last")
			eventually(t, "the bad rows are counted", func() bool { return r.status().Bad == len(badRows) })
			eventually(t, "they alone are left", func() bool { return a.text(`SELECT count(*) FROM seaworthy_outbox`) == fmt.Sprint(len(badRows)) })
			told := r.status().BadRows
			for i, b := range badRows {
				if i >= len(told) || !strings.Contains(told[i].Reason, b.want) || !strings.HasPrefix(b.name, told[i].ID) {
					t.Errorf("%.20q: %+v, want %q", b.name, told, b.want)
					break
				}
				if name == "marked" && !strings.Contains(a.rows(), b.want) {
					t.Errorf("%.20q is not marked: %.300s", b.name, a.rows())
				}
			}

			// Mended, a row is a job. What was told before is not told again.
			if name == "may not be marked" {
				a.exec(`DROP TRIGGER no`)
			}
			mend := `UPDATE seaworthy_outbox SET args = '{}' WHERE id = 'json'`
			if drop != "ALTER TABLE seaworthy_outbox DROP COLUMN error" {
				mend = `UPDATE seaworthy_outbox SET args = '{}', error = NULL WHERE id = 'json'`
			}
			a.exec(mend)
			r.wants("first last json")
			eventually(t, "one bad row less", func() bool { return r.status().Bad == len(badRows)-1 })
			if n := strings.Count(r.logged(), "cannot be a job"); n != len(badRows) {
				t.Errorf("%d lines about %d bad rows", n, len(badRows))
			}
		})
	}
}

func TestIDUsedForAnotherJobIsMarked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	r.start()
	a.add("one")
	r.wants("one")
	a.empties()
	a.add("one") // the same again: nothing to do
	a.empties()
	a.exec(`INSERT INTO seaworthy_outbox (id, kind, args) VALUES ('one', 'test.do', '{"n":2}')`)
	eventually(t, "the row is marked", func() bool { return strings.HasPrefix(a.rows(), "one: id was used before for another job") })
	if r.jobs() != "one" {
		t.Errorf("jobs: %s", r.jobs())
	}
}

// A row whose job cannot be written, for whatever reason, is found and marked; the
// others of its batch become jobs.
func TestPoisonRow(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(){"error": nil, "panic": func() { panic("boom") }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := r.newApp()
			r.w.enqueue = func(tx *store.Tx, source string, row Row) (bool, error) {
				if row.ID == "poison" {
					if fail != nil {
						fail()
					}
					return false, errors.New("boom")
				}
				return insert(tx, source, row)
			}
			a.add("a")
			a.add("poison")
			a.add("b")
			r.start()
			r.wants("a b")
			eventually(t, "the row is marked", func() bool {
				return strings.HasPrefix(a.rows(), "poison: could not be made a job: ") && strings.HasSuffix(a.rows(), "boom")
			})
		})
	}
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
