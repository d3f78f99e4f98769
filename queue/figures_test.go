package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"seaworthy/store"
)

func TestFiguresSurviveARestartWithinTheMinute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	handle := func(q *Queue) {
		Handle(q, func(_ context.Context, j Job[note]) error {
			b.clock.advance(20 * time.Millisecond)
			if j.Args.Text == "bad" {
				return errors.New("no")
			}
			return nil
		})
	}
	handle(b.q)
	minute := b.clock.now().Truncate(time.Minute)
	b.enqueue(note{})
	b.clock.advance(3 * time.Millisecond)
	b.drain()
	b.q.writeFigures(true)
	next := New(b.db, Options{})
	handle(next)
	b.enqueue(note{"bad"})
	if _, err := next.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	next.writeFigures(false)
	all := func() []Minute {
		m, err := store.Read(t.Context(), b.db, func(tx *store.Tx) ([]Minute, error) { return Minutes(tx, minute, 10) })
		b.must(err)
		return m
	}
	if m := all(); len(m) != 1 || m[0].Failed != 0 {
		t.Fatalf("a minute that goes on was written: %+v", m)
	}
	b.clock.advance(time.Minute)
	next.writeFigures(false)
	m := all()
	if len(m) != 1 || !m[0].At.Equal(minute) || m[0].Series != (Series{"default", "test.note"}) || m[0].Completed != 1 || m[0].Failed != 1 || m[0].Run.Total() != 2 || m[0].Run.Quantile(0.5) != .025 {
		t.Fatalf("figures %+v", m)
	}
	if f := next.Figures()[Series{"default", "test.note"}]; f.Failed != 1 || f.Wait.Total() != 1 {
		t.Errorf("since the start: %+v", f)
	}
}

// What cannot be written is tried again, and what ends during a stop counts too.
func TestFiguresAreNotLost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	started, finish := make(chan struct{}), make(chan struct{})
	Handle(b.q, func(_ context.Context, j Job[note]) error {
		if j.Args.Text == "slow" {
			close(started)
			<-finish
		}
		return nil
	})
	minute := b.clock.now().Truncate(time.Minute)
	b.enqueue(note{})
	b.drain()
	rename := func(from, to string) {
		b.write(func(tx *store.Tx) error {
			_, err := tx.SQL().Exec("ALTER TABLE " + from + " RENAME TO " + to)
			return err
		})
	}
	rename("queue_minute", "away")
	b.q.writeFigures(true)
	rename("away", "queue_minute")

	b.enqueue(note{"slow"})
	b.must(b.q.Start(t.Context()))
	<-started
	stopped := make(chan error)
	go func() { stopped <- b.q.Stop(context.Background()) }()
	b.q.engine.beside.Wait() // the dispatcher and the keeper are gone, and the job goes on
	close(finish)
	b.must(<-stopped)
	m, err := store.Read(t.Context(), b.db, func(tx *store.Tx) ([]Minute, error) { return Minutes(tx, minute, 10) })
	b.must(err)
	if len(m) != 1 || m[0].Completed != 2 || m[0].Run.Total() != 2 {
		t.Errorf("figures %+v", m)
	}
}
