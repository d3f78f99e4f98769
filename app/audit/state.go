package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seaworthy/app/audit/verify"
	"seaworthy/queue"
	"seaworthy/store"
)

// State is how the log is doing, for pages, health and metrics.
type State struct {
	Origin     string
	Size       int64     // events under the current origin
	Earlier    int64     // events under earlier origins
	SignedSize int64     // events under the last published checkpoint; 0: none yet
	SignedAt   time.Time // of that checkpoint
	Failing    string    // why there is no newer checkpoint; "" while all is well
	Since      time.Time // since when
	Broken     string    // why the tree does not follow from the events; "" while it does
	Verified   Verification
	Keys       []string // verifier keys of the current origin
}

// Unsigned is how many events no published checkpoint covers yet.
func (s State) Unsigned() int64 { return s.Size - s.SignedSize }

// Verification is a look at the whole log.
type Verification struct {
	At      time.Time // zero: never
	Took    time.Duration
	Size    int64  // events looked at
	BadSeq  int64  // the first event that is wrong; 0: none, or it cannot be told which
	Problem string // "" when nothing is wrong
}

// Finding is what is wrong, as the end of a sentence.
func (v Verification) Finding() string {
	if v.BadSeq == 0 { // it shows in no single event
		return v.Problem
	}
	return fmt.Sprintf("event %d is not as it was recorded: %s", v.BadSeq, v.Problem)
}

// State reads it.
func (s *System) State(ctx context.Context) (State, error) {
	st, err := store.Read(ctx, s.DB, func(tx *store.Tx) (st State, err error) {
		h, err := selectHead(tx)
		if err != nil {
			return st, err
		}
		o, err := lastOrigin(tx)
		if err != nil {
			return st, err
		}
		last, err := lastSeq(tx)
		if err != nil {
			return st, err
		}
		st.Origin, st.Broken, st.Size, st.Earlier = o.name, h.broken, last-o.first+1, o.first-1
		if st.Keys, err = verifierKeys(tx, o); err != nil {
			return st, err
		}
		c, err := newestCheckpoint(tx, o.gen)
		if err == nil {
			st.SignedSize, st.SignedAt = c.Size, c.at
		} else if !errors.Is(err, store.ErrNotFound) {
			return st, err
		}
		st.Verified, err = lastVerification(tx)
		return st, err
	})
	if err != nil {
		return st, fmt.Errorf("state of the audit log: %w", err)
	}
	if f := s.failed.Load(); f != nil {
		st.Failing, st.Since = f.err.Error(), f.since
	}
	return st, nil
}

// verifyJob verifies the whole log now.
type verifyJob struct{}

// Kind implements queue.Args.
func (verifyJob) Kind() string { return "audit.verify" }

// Defaults allows for a log of many millions.
func (verifyJob) Defaults() []queue.Option {
	return []queue.Option{queue.Timeout(30 * time.Minute), queue.MaxAttempts(3), queue.On("audit")}
}

func (s *System) runVerify(ctx context.Context, _ queue.Job[verifyJob]) error { return s.Verify(ctx) }

// Verify checks the whole log against its tree and its checkpoints, beside what
// goes on, and keeps the outcome. What it finds wrong is an event of its own.
func (s *System) Verify(ctx context.Context) error {
	started := time.Now()
	keys, err := store.Read(ctx, s.DB, VerifierKeys)
	if err != nil {
		return err
	}
	report, err := verify.Database(ctx, s.DB.Read, verify.Options{Keys: keys})
	if err != nil {
		return fmt.Errorf("verify the audit log: %w", err)
	}
	v := Verification{Took: time.Since(started), Size: report.Events, BadSeq: report.BadSeq, Problem: report.Problem}
	if v.Problem != "" {
		s.Logger.Error("THE AUDIT LOG DOES NOT VERIFY", "first_bad_seq", v.BadSeq, "problem", v.Problem)
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		before, err := lastVerification(tx)
		if err != nil {
			return err
		}
		if err := insertVerification(tx, v); err != nil {
			return err
		}
		if v.Problem == "" || v.Problem == before.Problem {
			return nil // what is wrong is recorded when it is found, not every day
		}
		return s.Record(tx, Event{Action: actVerified, Actor: self, Details: map[string]any{"first_bad_seq": v.BadSeq, "problem": v.Problem}})
	})
}
