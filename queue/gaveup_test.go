package queue

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"seaworthy/store"
)

// However a job dies, what was given for that runs once, in the transaction of its death.
func TestGaveUpRunsWithTheDeath(t *testing.T) {
	t.Parallel()
	broken := errors.New("no luck")
	for name, c := range map[string]struct {
		opts  []Option
		err   error
		crash int
		want  string // the job, and what was enqueued in its place
	}{
		"its last attempt":  {[]Option{MaxAttempts(1)}, broken, 0, "dead, 1 more"},
		"a permanent error": {nil, Bury(broken), 0, "dead, 1 more"},
		"three crashes":     {nil, nil, 3, "dead, 1 more"},
		"two crashes":       {nil, nil, 2, "completed, 0 more"},
		"a retry":           {nil, broken, 0, "retryable, 0 more"},
		"cancelled":         {nil, Cancel(broken), 0, "cancelled, 0 more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			var args note
			seen := GaveUp(func(tx *store.Tx, a note, job Info) error {
				args = a
				_, err := Enqueue(tx, stranger{})
				return err
			})
			id := b.enqueue(note{"seven"}, c.opts...).ID
			for range c.crash {
				b.dies(settle, 1)
				next := New(b.db, Options{})
				Handle(next, func(context.Context, Job[note]) error { return nil }, seen)
				b.must(next.Rescue(t.Context()))
			}
			Handle(b.q, func(context.Context, Job[note]) error { return c.err }, seen)
			Handle(b.q, func(context.Context, Job[stranger]) error { return nil })
			more := 0
			b.clock.advance(settle)
			for _, r := range b.drain() {
				if r.Kind == (stranger{}).Kind() {
					more++
				}
			}
			if got := fmt.Sprintf("%s, %d more", b.job(id).State, more); got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
			if c.want == "dead, 1 more" && args.Text != "seven" {
				t.Errorf("it was told of %+v", args)
			}
		})
	}
}

// What fails for a dead job leaves nothing of itself, and the job is dead.
func TestGaveUpThatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return Bury(errors.New("no")) }, GaveUp(func(tx *store.Tx, _ note, _ Info) error {
		if _, err := Enqueue(tx, stranger{}); err != nil {
			return err
		}
		return errors.New("half done")
	}))
	Handle(b.q, func(context.Context, Job[stranger]) error { return nil })
	id := b.enqueue(note{}).ID
	if ran := b.drain(); len(ran) != 1 {
		t.Errorf("ran %+v", ran)
	}
	if j := b.job(id); j.State != Dead {
		t.Errorf("%+v", j)
	}
}
