package queue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/store"
)

type note struct{ Text string }

func (note) Kind() string { return "test.note" }

type stranger struct{}

func (stranger) Kind() string { return "test.stranger" }

// clock is a time that only tests move.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

type bench struct {
	*testing.T
	db    *store.DB
	q     *Queue
	clock *clock
}

// newBench is a queue whose time only the test moves.
func newBench(t *testing.T) *bench {
	t.Helper()
	c := &clock{}
	c.ms.Store(1_790_000_000_000)
	b := open(t, store.Options{Clock: c.now})
	b.q, b.clock = New(b.db, Options{Jitter: func() float64 { return 0.5 }}), c
	return b
}

// newLive is a queue in real time, for what several goroutines do.
func newLive(t *testing.T) *bench {
	t.Helper()
	b := open(t, store.Options{})
	b.q = New(b.db, Options{})
	return b
}

// open opens a copy of a database that is migrated already: forty steps, each with its fsync, would
// take most of the time of every test.
func open(t *testing.T, o store.Options) *bench {
	t.Helper()
	file, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "q.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &bench{T: t, db: db}
}

// migrated is the file of such a database, made once.
var migrated = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "queue")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "q.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		return nil, err
	}
	_, err = store.Migrate(context.Background(), db, store.MigrateOptions{})
	if err := errors.Join(err, db.Close()); err != nil { // the log is in the file then
		return nil, err
	}
	return os.ReadFile(path)
})

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) enqueue(a Args, opts ...Option) Ticket {
	b.Helper()
	t, err := store.Write(b.Context(), b.db, func(tx *store.Tx) (Ticket, error) { return Enqueue(tx, a, opts...) })
	b.must(err)
	return t
}

func (b *bench) drain() []Ran {
	b.Helper()
	ran, err := b.q.Drain(b.Context())
	b.must(err)
	b.invariant()
	return ran
}

// runAll runs what is ready with the real workers: many at once, unlike drain.
func (b *bench) runAll() {
	b.Helper()
	b.must(b.q.Start(b.Context()))
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		lines, err := store.Read(b.Context(), b.db, func(tx *store.Tx) ([]Line, error) { return Lines(tx, 1) })
		b.must(err)
		if !slices.ContainsFunc(lines, func(l Line) bool { return l.Ready > 0 }) {
			break
		}
		if time.Since(began) > time.Minute {
			b.Fatal("the queue does not run empty")
		}
	}
	b.must(b.q.Stop(b.Context()))
	b.invariant()
}

// invariant: goqite has a row exactly for each available or running job.
func (b *bench) invariant() {
	b.Helper()
	b.must(b.db.Read(b.Context(), func(tx *store.Tx) error {
		var jobs, messages, joined int
		if err := tx.QueryRow("SELECT count(*) FROM queue_job WHERE state IN ('available', 'running')").Scan(&jobs); err != nil {
			return err
		}
		if err := tx.QueryRow("SELECT count(*) FROM goqite").Scan(&messages); err != nil {
			return err
		}
		if err := tx.QueryRow("SELECT count(*) FROM goqite m JOIN queue_job j ON j.msg_id = m.id AND j.queue = m.queue").Scan(&joined); err != nil {
			return err
		}
		if jobs != messages || joined != jobs {
			b.Errorf("%d ready jobs, %d messages, %d of them matched", jobs, messages, joined)
		}
		keys, err := store.All(tx, func(s store.Scanner) (k string, err error) { return k, s.Scan(&k) },
			"SELECT DISTINCT ckey FROM queue_job WHERE ckey IS NOT NULL")
		for _, k := range keys {
			var held, limit, blocked int
			if err := tx.QueryRow("SELECT coalesce(sum(state IN ('available', 'running')), 0), max(climit), coalesce(sum(state = 'blocked'), 0) FROM queue_job WHERE ckey = ?", k).Scan(&held, &limit, &blocked); err != nil {
				return err
			}
			if held > limit || blocked > 0 && held < limit {
				b.Errorf("key %s: %d hold a place, the limit is %d, %d are blocked", k, held, limit, blocked)
			}
		}
		return err
	}))
}

// row is what a test looks at of a job.
type row struct {
	State              State
	Attempt, Crashes   int
	RunAt              time.Time
	LastError          string
	Outcomes, Finished string
}

func (b *bench) job(id string) row {
	b.Helper()
	r, err := store.Read(b.Context(), b.db, func(tx *store.Tx) (r row, err error) {
		var at int64
		err = tx.QueryRow("SELECT state, attempt, crashes, run_at, coalesce(last_error, '') FROM queue_job WHERE id = ?", id).
			Scan(&r.State, &r.Attempt, &r.Crashes, &at, &r.LastError)
		r.RunAt = time.UnixMilli(at)
		if err == nil {
			var all []string
			all, err = store.All(tx, func(s store.Scanner) (o string, err error) { return o, s.Scan(&o) },
				"SELECT outcome FROM queue_attempt WHERE job_id = ? ORDER BY started_at, attempt", id)
			r.Outcomes = strings.Join(all, " ")
		}
		return r, err
	})
	b.must(err)
	return r
}

func (b *bench) write(fn func(tx *store.Tx) error) {
	b.Helper()
	b.must(b.db.Write(b.Context(), fn))
}

// states are those of some jobs, in order.
func (b *bench) states(ids ...string) []State {
	b.Helper()
	var all []State
	for _, id := range ids {
		all = append(all, b.job(id).State)
	}
	return all
}

func (b *bench) lines() []Line {
	b.Helper()
	lines, err := store.Read(b.Context(), b.db, func(tx *store.Tx) ([]Line, error) { return Lines(tx, 10) })
	b.must(err)
	return lines
}

func (b *bench) record(id string) Record {
	b.Helper()
	r, err := store.Read(b.Context(), b.db, func(tx *store.Tx) (Record, error) { return ByID(tx, id) })
	b.must(err)
	return r
}

// inOneGroup hands writes in while the writer is paused, one after another, so that they share
// a commit in that order.
func (b *bench) inOneGroup(submit ...func()) {
	b.Helper()
	release, paused := make(chan struct{}), make(chan struct{})
	go b.db.Pause(context.Background(), "test", func() error { close(paused); <-release; return nil })
	<-paused
	done := make(chan struct{})
	for i, f := range submit {
		go func() { f(); done <- struct{}{} }()
		for began := time.Now(); b.db.Stats().Waiting <= i; time.Sleep(time.Millisecond) {
			if time.Since(began) > 30*time.Second {
				b.Fatalf("write %d was not handed in", i)
			}
		}
	}
	close(release)
	for range submit {
		<-done
	}
}
