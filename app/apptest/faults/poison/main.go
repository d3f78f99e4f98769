//go:build faults

// Command poison is Seaworthy with jobs that the fault suite needs: one that
// kills the process, one that does not, and one that takes its time; it can be pointed at
// a Stripe of the test's.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"seaworthy/app"
	"seaworthy/app/config"
	"seaworthy/queue"
	"seaworthy/store"
)

// deadly takes the process down, as a bug in C or a job that eats all memory would.
type deadly struct{}

func (deadly) Kind() string { return "faults.deadly" }

// good does nothing and succeeds.
type good struct{}

func (good) Kind() string { return "faults.good" }

// slow runs long enough to be under way when the process dies.
type slow struct{}

func (slow) Kind() string { return "faults.slow" }

func jobs(q *queue.Queue) {
	queue.Handle(q, func(context.Context, queue.Job[deadly]) error { os.Exit(9); return nil })
	queue.Handle(q, func(context.Context, queue.Job[good]) error { return nil })
	queue.Handle(q, func(ctx context.Context, _ queue.Job[slow]) error {
		select {
		case <-time.After(time.Second):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}

// enqueue adds the jobs that the variable names, in one transaction.
func enqueue(ctx context.Context, db *store.DB, names string) error {
	kinds := map[string]queue.Args{"deadly": deadly{}, "good": good{}, "slow": slow{}}
	return db.Write(ctx, func(tx *store.Tx) error {
		for name := range strings.FieldsSeq(names) {
			if kinds[name] == nil {
				return fmt.Errorf("there is no job %q", name)
			}
			if _, err := queue.Enqueue(tx, kinds[name]); err != nil {
				return err
			}
		}
		return nil
	})
}

// elsewhere is a Stripe of the test's, at a host and port.
type elsewhere string

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", string(e)
	return http.DefaultTransport.RoundTrip(r)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "poison:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load(os.LookupEnv)
	if err != nil {
		return err
	}
	o := app.Options{Extend: func(*app.App) app.Extension { return app.Extension{Jobs: jobs} }}
	if at := os.Getenv("FAULTS_STRIPE"); at != "" {
		o.Stripe = elsewhere(at)
	}
	a, err := app.New(ctx, cfg, o)
	if err != nil {
		return err
	}
	if err := enqueue(ctx, a.DB, os.Getenv("FAULTS_ENQUEUE")); err != nil {
		return err
	}
	if os.Getenv("FAULTS_ONLY_ENQUEUE") != "" {
		return a.Close()
	}
	return a.Run(ctx, nil)
}
