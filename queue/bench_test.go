package queue

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/store"
)

func benchQueue(b *testing.B, o Options) (*store.DB, *Queue) {
	b.Helper()
	db, err := store.Open(filepath.Join(b.TempDir(), "q.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if _, err := store.Migrate(context.Background(), db, store.MigrateOptions{}); err != nil {
		b.Fatal(err)
	}
	return db, New(db, o)
}

// BenchmarkEndToEnd enqueues each no-op job in a durable transaction of its own
// from 256 callers and runs it; a job counts when its completion is stored.
func BenchmarkEndToEnd(b *testing.B) {
	db, q := benchQueue(b, Options{Workers: 256, PerQueue: 256})
	var done atomic.Int64
	all := make(chan struct{})
	Handle(q, func(context.Context, Job[note]) error { return nil })
	if err := q.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	b.SetParallelism(128)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := db.Write(context.Background(), func(tx *store.Tx) error { _, err := Enqueue(tx, note{"x"}); return err }); err != nil {
				b.Error(err)
			}
		}
	})
	go func() {
		for {
			n, _ := store.Read(context.Background(), db, func(tx *store.Tx) (n int64, err error) {
				return n, tx.QueryRow("SELECT count(*) FROM goqite").Scan(&n)
			})
			if n == 0 {
				close(all)
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	<-all
	done.Add(int64(b.N))
	b.ReportMetric(float64(done.Load())/b.Elapsed().Seconds(), "jobs/s")
	q.Stop(context.Background())
}

// BenchmarkPickUpBesideMany is BenchmarkPickUp beside a hundred thousand scheduled and
// as many dead jobs in the same queue: they must not be felt (row 16 of the faults).
func BenchmarkPickUpBesideMany(b *testing.B) {
	benchmarkPickUp(b, 100_000)
}

// BenchmarkPickUp is the time from the commit of one job to its handler, on an
// otherwise idle queue.
func BenchmarkPickUp(b *testing.B) { benchmarkPickUp(b, 0) }

func benchmarkPickUp(b *testing.B, beside int) {
	db, q := benchQueue(b, Options{})
	crowd(b, db, beside)
	picked := make(chan time.Time, 1)
	Handle(q, func(context.Context, Job[note]) error { picked <- time.Now(); return nil })
	if err := q.Start(context.Background()); err != nil {
		b.Fatal(err)
	}
	var mu sync.Mutex
	var waits []time.Duration
	for b.Loop() {
		var committed time.Time
		db.Write(context.Background(), func(tx *store.Tx) error {
			tx.AfterCommit(func() { mu.Lock(); committed = time.Now(); mu.Unlock() })
			_, err := Enqueue(tx, note{"x"})
			return err
		})
		at := <-picked
		mu.Lock()
		waits = append(waits, at.Sub(committed))
		mu.Unlock()
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds()), "p99-us")
	q.Stop(context.Background())
}

// crowd adds n scheduled and n dead jobs.
func crowd(t testing.TB, db *store.DB, n int) {
	t.Helper()
	if n == 0 {
		return
	}
	later := db.Now().Add(24 * time.Hour).UnixMilli()
	for _, c := range []struct {
		prefix, state string
		due, finished any
	}{{"job_a", "scheduled", later, nil}, {"job_b", "dead", nil, db.Now().UnixMilli()}} {
		err := db.Write(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
				INSERT INTO queue_job (id, queue, kind, args, state, priority, attempt, max_attempts, crashes, run_at, due_at, created_at, finished_at, timeout_ms, uniq_until, deps_left, progress, cancel_requested)
				SELECT ? || i, 'default', 'test.note', CAST('{}' AS BLOB), ?, 0, 0, 20, 0, ?, ?, 0, ?, 60000, 0, 0, 0, 0 FROM n`, n, c.prefix, c.state, later, c.due, c.finished)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
