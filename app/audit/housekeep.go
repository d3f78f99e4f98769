package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"seaworthy/store"
)

const (
	// checkpointEvery is the longest that a new event waits for its signature, but
	// for the replica.
	checkpointEvery = 10 * time.Second
	houseEvery      = time.Hour
	daily           = 24 * time.Hour
)

// Run signs, drops, counts and verifies when it is time, until ctx ends; then it
// signs once more, so that a database that lies still is covered to its end.
func (s *System) Run(ctx context.Context) {
	var house sync.WaitGroup
	defer house.Wait()
	// Beside the signatures: a long log takes longer to verify than they may wait.
	house.Go(func() { s.keepHouse(ctx) })
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		s.tryCheckpoint(ctx)
		if err := s.ShareErasures(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Warn("the list of erasures could not be kept beside the replica", "err", err)
		}
		if err := s.Tally(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Warn("events could not be counted", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			s.tryCheckpoint(last)
			return
		}
	}
}

// keepHouse verifies once and then does every houseEvery what is due, until ctx ends.
func (s *System) keepHouse(ctx context.Context) {
	if err := s.verifyStart(ctx); err != nil && ctx.Err() == nil {
		s.Logger.Error("the audit log could not be verified", "err", err)
	}
	tick := time.NewTicker(houseEvery)
	defer tick.Stop()
	for {
		if err := s.Housekeep(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Error("the audit log's housekeeping failed", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tryCheckpoint logs a failure when it begins, not each time.
func (s *System) tryCheckpoint(ctx context.Context) {
	before := s.failed.Load()
	err := s.Checkpoint(ctx)
	if err != nil && before == nil && ctx.Err() == nil {
		s.Logger.Error("the audit log is not being signed; events are still recorded", "err", err)
	}
	if err == nil && before != nil {
		s.Logger.Info("the audit log is signed again", "failed_since", before.since)
	}
}

// Housekeep does what is due by the clock: retention, old idempotency keys and
// exports, and once a day the counts and a verification of the whole log.
func (s *System) Housekeep(ctx context.Context) error {
	return errors.Join(s.ApplyRetention(ctx), s.forgetRequests(ctx), s.expireExports(ctx), s.countDaily(ctx), s.verifyDaily(ctx))
}

// verifyAtStart is up to how many events the whole log is verified at every
// start: it takes seconds, and a database that lay still is the easiest to touch.
const verifyAtStart = 500_000

func (s *System) verifyStart(ctx context.Context) error {
	last, err := store.Read(ctx, s.DB, lastSeq)
	if err != nil || last > verifyAtStart {
		return err
	}
	return s.Verify(ctx)
}

func (s *System) verifyDaily(ctx context.Context) error {
	v, err := store.Read(ctx, s.DB, lastVerification)
	if err != nil || s.DB.Now().Sub(v.At) < daily {
		return err
	}
	return s.Verify(ctx)
}

// countChunk is how many orgs one event counts: their digests must fit its body.
const countChunk = 1000

// countDaily records how many events each org's log holds. A proof that an event
// is there says nothing about one that is left out; with these numbers, each a
// disclosure of its org, an org can show that its log is whole (spec/audit.md B4).
func (s *System) countDaily(ctx context.Context) error {
	counts, through, err := s.countOrgs(ctx)
	if err != nil || len(counts) == 0 {
		return err
	}
	for len(counts) > 0 {
		n := min(countChunk, len(counts))
		some := counts[:n]
		counts = counts[n:]
		err := s.DB.Write(ctx, func(tx *store.Tx) error {
			return s.Record(tx, Event{Action: actCounted, Actor: self, others: some, Details: map[string]any{"orgs": len(some), "through_seq": through}})
		})
		if err != nil {
			return fmt.Errorf("count the orgs' logs: %w", err)
		}
	}
	return nil
}

// countOrgs counts the orgs with events since the last time, if that is a day ago.
func (s *System) countOrgs(ctx context.Context) (counts []personal, through int64, err error) {
	from := int64(0)
	last, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]Entry, error) { return List(tx, Filter{Action: actCounted, Limit: 1}) })
	if err != nil {
		return nil, 0, err
	}
	if len(last) > 0 {
		if s.DB.Now().Sub(last[0].Time) < daily {
			return nil, 0, nil
		}
		n, _ := last[0].Details["through_seq"].(json.Number)
		if from, err = n.Int64(); err != nil {
			return nil, 0, fmt.Errorf("the last count does not say how far it went: %w", err)
		}
	}
	seen := map[string]int64{}
	var order []string
	for {
		rows, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]orgCount, error) { return orgCounts(tx, from, 5000) })
		if err != nil {
			return nil, 0, err
		}
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			if r.org == "" {
				continue
			}
			if _, ok := seen[r.org]; !ok {
				order = append(order, r.org)
			}
			seen[r.org] = r.own
		}
		from = rows[len(rows)-1].seq
	}
	for _, org := range order {
		counts = append(counts, personal{Ref{"org", org}, map[string]string{"events": strconv.FormatInt(seen[org], 10)}})
	}
	return counts, from, nil
}

// orgCount is an event in its org's count.
type orgCount struct {
	seq, own int64
	org      string
}

func orgCounts(tx *store.Tx, after int64, limit int) ([]orgCount, error) {
	return store.All(tx, func(r store.Scanner) (c orgCount, err error) { return c, r.Scan(&c.seq, &c.org, &c.own) },
		`SELECT seq, coalesce(org, ''), coalesce(org_seq, 0) FROM audit_event WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit)
}
