package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"seaworthy/queue"
	"seaworthy/store"
)

// jobs are no-ops, each enqueued in a durable transaction of its own: as many as go
// through in that time, and one after another, from the commit to its handler.
func jobs(ctx context.Context, o *Options, folder string) (results []Result, err error) {
	db, err := store.Open(filepath.Join(folder, "jobs.db"), store.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := store.Migrate(ctx, db, store.MigrateOptions{}); err != nil {
		return nil, err
	}
	l, err := throughput(ctx, o, db)
	if err != nil {
		return nil, err
	}
	done := atLeast("jobs: a no-op, enqueued, run and stored", l, 5000)
	done.P50, done.P99 = 0, 0 // of the enqueuing alone, which says nothing
	waits, err := pickUp(ctx, o, db)
	if err != nil {
		return []Result{done}, err
	}
	r := waits.result("jobs: enqueued, committed and picked up, one at a time")
	r.Bar, r.Missed = "p50 < 5 ms", r.P50 >= 5
	return []Result{done, r}, nil
}

// throughput ends when the end of each job is stored.
func throughput(ctx context.Context, o *Options, db *store.DB) (latencies, error) {
	q := queue.New(db, queue.Options{Workers: 256, PerQueue: 256})
	var ran atomic.Int64
	last := make(chan struct{}, 1)
	queue.Handle(q, func(context.Context, queue.Job[note]) error {
		ran.Add(1)
		select {
		case last <- struct{}{}:
		default:
		}
		return nil
	})
	if err := q.Start(context.WithoutCancel(ctx)); err != nil {
		return latencies{}, fmt.Errorf("start the queue: %w", err)
	}
	start := time.Now()
	l, err := load(ctx, 256, o.For, func(ctx context.Context, _ int) error {
		return db.Write(ctx, func(tx *store.Tx) error { _, err := queue.Enqueue(tx, note{}); return err })
	})
	for err == nil && ran.Load() < int64(len(l.all)) {
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-last:
		}
	}
	err = errors.Join(err, q.Stop(context.WithoutCancel(ctx))) // stores what the last of them came to
	l.took = time.Since(start)
	return l, err
}

// pickUp is one job after another on a queue that is idle otherwise.
func pickUp(ctx context.Context, o *Options, db *store.DB) (latencies, error) {
	q := queue.New(db, queue.Options{})
	picked := make(chan struct{}, 1)
	queue.Handle(q, func(context.Context, queue.Job[alone]) error { picked <- struct{}{}; return nil })
	if err := q.Start(context.WithoutCancel(ctx)); err != nil {
		return latencies{}, fmt.Errorf("start the queue: %w", err)
	}
	l, err := load(ctx, 1, o.For, func(ctx context.Context, _ int) error {
		err := db.Write(ctx, func(tx *store.Tx) error { _, err := queue.Enqueue(tx, alone{}); return err })
		if err == nil {
			<-picked
		}
		return err
	})
	return l, errors.Join(err, q.Stop(context.WithoutCancel(ctx)))
}

// alone is a job whose handler says that it began.
type alone struct{}

// Kind implements queue.Args.
func (alone) Kind() string { return "bench.alone" }
