package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Retention is how long the details of an org's events are kept.
type Retention struct {
	Org      string    // "" for events of no org
	KeepDays int       // 0: for ever
	Dropped  time.Time // events before this have lost their details; zero: none has
}

// The shortest and the longest retention, in days. Less than a quarter would let
// somebody hide what an auditor is about to ask for.
const (
	minKeepDays = 90
	maxKeepDays = 36500
)

// SetRetention changes an org's retention, with its event. It takes effect with
// the next hourly round, one at a time and never backwards: what was dropped
// stays dropped.
func (s *System) SetRetention(tx *store.Tx, org string, days int) error {
	if days != 0 && (days < minKeepDays || days > maxKeepDays) {
		return web.Invalid(web.Field{Field: "keep_days", Code: "range",
			Message: fmt.Sprintf("0 to keep for ever, or from %d to %d days.", minKeepDays, maxKeepDays)})
	}
	before, err := RetentionOf(tx, org)
	if err != nil || before.KeepDays == days {
		return err
	}
	if err := putRetention(tx, org, days); err != nil {
		return err
	}
	return s.Record(tx, Event{Action: actRetentionSet, Org: org, Targets: orgTarget(org),
		Changes: map[string]Change{"keep_days": {From: before.KeepDays, To: days}}})
}

func orgTarget(org string) []Ref {
	if org == "" {
		return nil
	}
	return []Ref{{"org", org}}
}

// RetentionOf is an org's retention; for ever when none was set.
func RetentionOf(tx *store.Tx, org string) (Retention, error) {
	r, err := selectRetention(tx, org)
	if errors.Is(err, store.ErrNotFound) {
		return Retention{Org: org}, nil
	}
	return r, err
}

// dropChunk is how many events are looked at in one transaction.
const dropChunk = 200

// ApplyRetention drops the details of events whose time is over: body, personal
// data and targets. Columns and leaf stay, and with them the tree.
func (s *System) ApplyRetention(ctx context.Context) error {
	all, err := store.Read(ctx, s.DB, allRetentions)
	if err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	for _, r := range all {
		if r.KeepDays == 0 {
			continue
		}
		if err := s.drop(ctx, r.Org, s.DB.Now().AddDate(0, 0, -r.KeepDays)); err != nil {
			return fmt.Errorf("retention of %q: %w", r.Org, err)
		}
	}
	return nil
}

func (s *System) drop(ctx context.Context, org string, before time.Time) error {
	type step struct {
		n    int
		more bool
	}
	for total := 0; ; {
		done, err := store.Write(ctx, s.DB, func(tx *store.Tx) (step, error) {
			n, more, err := s.dropSome(tx, org, before.UnixMilli())
			if err != nil || more || total+n == 0 {
				return step{n, more}, err
			}
			return step{n, false}, s.Record(tx, Event{Action: actDropped, Actor: self, Org: org, Targets: orgTarget(org),
				Details: map[string]any{"events": total + n, "recorded_before": before.UTC().Format(time.RFC3339)}})
		})
		if err != nil || !done.more {
			return err
		}
		total += done.n
	}
}

// dropSome takes the next chunk; more reports that there may be another.
func (s *System) dropSome(tx *store.Tx, org string, before int64) (dropped int, more bool, err error) {
	// The trigger that guards the rows asks this row.
	if err := raiseFloor(tx, org, before); err != nil {
		return 0, false, err
	}
	rows, err := oldestKept(tx, org, dropChunk)
	if err != nil {
		return 0, false, err
	}
	var passed int64
	for _, r := range rows {
		if r.ts >= before {
			break
		}
		passed = r.seq
		if !r.ours {
			continue
		}
		if err := dropBody(tx, r.seq); err != nil {
			return 0, false, err
		}
		dropped++
	}
	if passed == 0 {
		return 0, false, nil
	}
	return dropped, passed == rows[len(rows)-1].seq && len(rows) == dropChunk, noteDropped(tx, org, passed)
}
