package compare

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"maragu.dev/goqite"
	"maragu.dev/goqite/jobs"
	_ "modernc.org/sqlite"

	"seaworthy/queue"
	"seaworthy/store"
)

// callers enqueue at once in every benchmark, each job in a durable transaction of its own.
const callers = 256

// enqueueAll shares b.N calls among the callers.
func enqueueAll(b *testing.B, enqueue func() error) {
	b.Helper()
	work := make(chan struct{}, callers)
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range work {
				if err := enqueue(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	all.Wait()
}

// finish waits until all jobs are done and reports jobs a second.
func finish(b *testing.B, left func() (int, error)) {
	b.Helper()
	for {
		n, err := left()
		if err != nil {
			b.Fatal(err)
		}
		if n == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

// file is a database as the others are used: WAL, FULL, immediate transactions, one connection.
func file(b *testing.B) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "q.db")+
		"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(10000)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	return db
}

type nothing struct{}

func (nothing) Kind() string { return "compare.nothing" }

// BenchmarkSeaworthy keeps attempts and completed jobs.
func BenchmarkSeaworthy(b *testing.B) {
	for name, workers := range map[string]int{"16 workers": 16, "256 workers": 256} {
		b.Run(name, func(b *testing.B) {
			db, err := store.Open(filepath.Join(b.TempDir(), "q.db"), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			if _, err := store.Migrate(b.Context(), db, store.MigrateOptions{}); err != nil {
				b.Fatal(err)
			}
			q := queue.New(db, queue.Options{Workers: workers, PerQueue: workers})
			queue.Handle(q, func(context.Context, queue.Job[nothing]) error { return nil })
			if err := q.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			enqueueAll(b, func() error {
				return db.Write(context.Background(), func(tx *store.Tx) error { _, err := queue.Enqueue(tx, nothing{}); return err })
			})
			finish(b, func() (int, error) {
				return store.Read(context.Background(), db, func(tx *store.Tx) (n int, err error) {
					return n, tx.QueryRow("SELECT count(*) FROM goqite").Scan(&n)
				})
			})
			b.StopTimer()
			q.Stop(context.Background())
		})
	}
}

// BenchmarkGoqite is goqite's runner: no attempts, no history, a job is gone once it ran.
func BenchmarkGoqite(b *testing.B) {
	for name, o := range map[string]struct {
		limit int
		poll  time.Duration
	}{"16 at once, 100 ms": {16, 100 * time.Millisecond}, "100 at once, 10 ms": {100, 10 * time.Millisecond}} {
		b.Run(name, func(b *testing.B) {
			db := file(b)
			schema, err := os.ReadFile("../../store/migrations/0002_queue_goqite.sql") // goqite's own
			if err != nil {
				b.Fatal(err)
			}
			if _, err := db.Exec(string(schema)); err != nil {
				b.Fatal(err)
			}
			q := goqite.New(goqite.NewOpts{DB: db, Name: "jobs"})
			r := jobs.NewRunner(jobs.NewRunnerOpts{Limit: o.limit, PollInterval: o.poll, Queue: q})
			r.Register("nothing", func(context.Context, []byte) error { return nil })
			ctx, stop := context.WithCancel(b.Context())
			var ended sync.WaitGroup
			ended.Go(func() { r.Start(ctx) })
			b.ResetTimer()
			enqueueAll(b, func() error { _, err := jobs.Create(context.Background(), q, "nothing", goqite.Message{}); return err })
			finish(b, func() (n int, err error) { return n, db.QueryRow("SELECT count(*) FROM goqite").Scan(&n) })
			b.StopTimer()
			stop()
			ended.Wait()
		})
	}
}

type worker struct{ river.WorkerDefaults[nothing] }

func (worker) Work(context.Context, *river.Job[nothing]) error { return nil }

// BenchmarkRiver keeps completed jobs for a day, as it does by default.
func BenchmarkRiver(b *testing.B) {
	for name, o := range map[string]struct {
		workers  int
		cooldown time.Duration
	}{"100 workers, defaults": {100, 0}, "500 workers, 1 ms": {500, time.Millisecond}} {
		b.Run(name, func(b *testing.B) {
			db := file(b)
			driver := riversqlite.New(db)
			m, err := rivermigrate.New(driver, nil)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := m.Migrate(b.Context(), rivermigrate.DirectionUp, nil); err != nil {
				b.Fatal(err)
			}
			workers := river.NewWorkers()
			river.AddWorker(workers, &worker{})
			client, err := river.NewClient(driver, &river.Config{Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.workers}},
				FetchCooldown: o.cooldown, Workers: workers, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			if err := client.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			enqueueAll(b, func() error { _, err := client.Insert(context.Background(), nothing{}, nil); return err })
			finish(b, func() (n int, err error) {
				return n, db.QueryRow("SELECT count(*) FROM river_job WHERE state <> 'completed'").Scan(&n)
			})
			b.StopTimer()
			client.Stop(context.Background())
		})
	}
}
