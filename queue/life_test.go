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
	"unicode/utf8"

	"seaworthy/store"
)

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

func TestProgressThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	Handle(b.q, func(_ context.Context, j Job[note]) error {
		j.Progress(40)
		rename := func(from, to string) {
			b.write(func(tx *store.Tx) error {
				_, err := tx.SQL().Exec("ALTER TABLE queue_job RENAME COLUMN " + from + " TO " + to)
				return err
			})
		}
		rename("progress", "away")
		b.q.writeProgress()
		rename("away", "progress")
		b.q.writeProgress()
		if p := b.record(j.ID).Progress; p != 40 {
			t.Errorf("progress %d", p)
		}
		return nil
	})
	b.enqueue(note{})
	b.drain()
}

// Errors and answers come from outside: what is stored of them can be shown.
func TestStoredTextIsText(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"plain", "cut \xff\xfe", strings.Repeat("é", maxText), "x" + strings.Repeat("é", maxText)} {
		got := clip(s)
		if !utf8.ValidString(got) || len(got) > maxText+8 || !strings.HasPrefix(got, s[:4]) {
			t.Errorf("%.20q of %d bytes becomes %.20q of %d", s, len(s), got, len(got))
		}
	}
}
