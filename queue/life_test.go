package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"seaworthy/store"
)

func (b *bench) record(id string) Record {
	b.Helper()
	r, err := store.Read(b.Context(), b.db, func(tx *store.Tx) (Record, error) { return ByID(tx, id) })
	b.must(err)
	return r
}

func TestJobsOfAnEndpointReachOnlyItsHandler(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { t.Error("an inner handler ran a customer's job"); return nil })
	raw := func(kind, args string) (id string) {
		b.write(func(tx *store.Tx) error {
			ticket, err := EnqueueRaw(tx, kind, json.RawMessage(args), ToEndpoint("end_1"))
			id = ticket.ID
			return err
		})
		return id
	}
	early := raw("test.note", `{"Text":"x"}`)
	b.drain()
	if j := b.job(early); j.State != Scheduled || j.Attempt != 0 || j.Outcomes != "unknown_kind" {
		t.Fatalf("without a handler for endpoints: %+v", j)
	}
	var got []string
	HandleEndpoint(b.q, func(ctx context.Context, j Job[json.RawMessage]) error {
		got = append(got, j.Endpoint+" "+j.Kind+" "+string(j.Args))
		j.Progress(40)
		b.q.writeProgress()
		if p := b.record(j.ID).Progress; p != 40 {
			t.Errorf("progress %d", p)
		}
		j.Output([]byte(strings.Repeat("o", MaxOutput+1)))
		j.Answer(202, "thanks")
		return nil
	})
	b.clock.advance(holdUnknown)
	b.drain()
	if want := []string{`end_1 test.note {"Text":"x"}`}; !slices.Equal(got, want) {
		t.Fatalf("ran %v", got)
	}
	if r := b.record(early); len(r.Output) != MaxOutput || r.Progress != 100 || r.State != Completed || r.Endpoint != "end_1" {
		t.Errorf("record %+v", r)
	}
	attempts, err := store.Read(t.Context(), b.db, func(tx *store.Tx) ([]Attempt, error) { return Attempts(tx, early, 9) })
	b.must(err)
	if last := attempts[len(attempts)-1]; last.Status != 202 || last.Snippet != "thanks" || last.Outcome != "completed" {
		t.Errorf("attempt %+v", last)
	}
	if err := b.db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := EnqueueRaw(tx, "x", json.RawMessage(`{`))
		return err
	}); err == nil {
		t.Error("arguments that are no JSON were taken")
	}
}

func TestRetryAfterIsExact(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return RetryAfter(42*time.Second, errors.New("busy")) })
	id := b.enqueue(note{}, MaxAttempts(2)).ID
	b.drain()
	if j := b.job(id); j.State != Retryable || j.RunAt.Sub(b.clock.now()) != 42*time.Second || j.LastError != "busy" {
		t.Fatalf("got %+v", j)
	}
	b.clock.advance(42 * time.Second)
	b.drain()
	if j := b.job(id); j.State != Dead {
		t.Fatalf("attempts are not counted: %+v", j)
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p    Policy
		want []time.Duration
	}{
		"polynomial":  {Polynomial(4), []time.Duration{time.Second, 16 * time.Second, 81 * time.Second}},
		"exponential": {Exponential(time.Second, 3*time.Second), []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}},
		"steps":       {Steps(time.Second, time.Minute), []time.Duration{time.Second, time.Minute, time.Minute}},
	} {
		for i, want := range c.want {
			if got := c.p(i + 1); got != want {
				t.Errorf("%s after %d: %v, want %v", name, i+1, got, want)
			}
		}
	}
	if got := Polynomial(4)(1 << 20); got != 24*time.Hour {
		t.Errorf("no bound: %v", got)
	}
	if got := Exponential(time.Second, time.Hour)(5000); got != time.Hour {
		t.Errorf("no bound: %v", got)
	}
}

func TestReplayKeepsPriorityKeyAndHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	fail := true
	var order []string
	Handle(b.q, func(_ context.Context, j Job[note]) error {
		order = append(order, j.Args.Text)
		if fail {
			return Bury(errors.New("no"))
		}
		return nil
	})
	low, high := b.enqueue(note{"low"}).ID, b.enqueue(note{"high"}, Priority(5), Key("k", 1)).ID
	holder := b.enqueue(note{"holder"}, Key("k", 1), In(time.Hour)).ID
	b.drain()
	fail, order = false, nil
	b.clock.advance(time.Second)
	b.write(func(tx *store.Tx) error { return errors.Join(Replay(tx, low), Replay(tx, high)) })
	b.drain()
	if !slices.Equal(order, []string{"high", "low"}) {
		t.Errorf("order %v", order)
	}
	if j := b.job(high); j.State != Completed || j.Outcomes != "failed completed" {
		t.Errorf("%+v", j)
	}
	if err := b.db.Write(t.Context(), func(tx *store.Tx) error { return Replay(tx, holder) }); !errors.Is(err, store.ErrConflict) {
		t.Errorf("one that waits was replayed: %v", err)
	}
	b.write(func(tx *store.Tx) error { return Hasten(tx, holder) })
	b.drain()
	if b.job(holder).State != Completed {
		t.Errorf("hastened: %+v", b.job(holder))
	}
}

func TestRetentionGoesInSlices(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(_ context.Context, j Job[note]) error {
		if j.Args.Text == "dead" {
			return Bury(errors.New("no"))
		}
		return nil
	})
	b.write(func(tx *store.Tx) error {
		for range 2*purgeSlice + 7 {
			if _, err := Enqueue(tx, note{"done"}); err != nil {
				return err
			}
		}
		_, err := Enqueue(tx, note{"dead"})
		return err
	})
	b.runAll()
	count := func() string {
		n, err := store.Read(t.Context(), b.db, func(tx *store.Tx) (string, error) {
			done, err1 := CountState(tx, Completed, 1e6)
			dead, err2 := CountState(tx, Dead, 1e6)
			var attempts int
			err3 := tx.QueryRow("SELECT count(*) FROM queue_attempt").Scan(&attempts)
			return fmt.Sprint(done, dead, attempts), errors.Join(err1, err2, err3)
		})
		b.must(err)
		return n
	}
	b.clock.advance(7*24*time.Hour - time.Second)
	b.q.purge(nil)
	if got := count(); got != "1007 1 1008" {
		t.Fatalf("before its time: %s", got)
	}
	b.clock.advance(2 * time.Second)
	b.q.purge(nil)
	if got := count(); got != "0 1 1" {
		t.Fatalf("after a week: %s", got)
	}
	b.clock.advance(83 * 24 * time.Hour)
	b.q.purge(nil)
	if got := count(); got != "0 0 0" {
		t.Fatalf("after ninety days: %s", got)
	}
}

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

func TestListFiltersAndPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(context.Context, Job[note]) error { return nil })
	ctx := WithCause(t.Context(), Cause{Org: "org_a"})
	var ids []string
	for i := range 6 {
		b.must(b.db.Write(ctx, func(tx *store.Tx) error {
			ticket, err := Enqueue(tx, note{fmt.Sprint(i)}, On([]string{"even", "odd"}[i%2]))
			ids = append(ids, ticket.ID)
			return err
		}))
		b.clock.advance(time.Millisecond)
	}
	other := b.enqueue(stranger{}).ID
	for name, c := range map[string]struct {
		f    Filter
		want []string
	}{
		"all, first page": {Filter{Limit: 2}, []string{other, ids[5]}},
		"second page":     {Filter{Limit: 2, Before: ids[5]}, []string{ids[4], ids[3]}},
		"queue":           {Filter{Queue: "odd", Limit: 9}, []string{ids[5], ids[3], ids[1]}},
		"kind":            {Filter{Kind: "test.stranger", Limit: 9}, []string{other}},
		"org and queue":   {Filter{Org: "org_a", Queue: "even", Limit: 2}, []string{ids[4], ids[2]}},
		"state and kind":  {Filter{State: Available, Kind: "test.stranger", Limit: 9}, []string{other}},
		"nothing":         {Filter{State: Dead, Limit: 9}, nil},
		"endpoint":        {Filter{Endpoint: "end_x", Limit: 9}, nil},
	} {
		all, err := store.Read(t.Context(), b.db, func(tx *store.Tx) ([]Record, error) { return List(tx, c.f) })
		b.must(err)
		var got []string
		for _, j := range all {
			got = append(got, j.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
