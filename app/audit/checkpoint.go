package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// signedHead is a published checkpoint.
type signedHead struct {
	merkle.Checkpoint
	gen  int64
	note []byte
	at   time.Time
}

// signFailure is why the newest events are not signed yet.
type signFailure struct {
	err   error
	since time.Time
}

// confirmWait is how long a checkpoint waits for the replica before it is left
// for the next time.
const confirmWait = 10 * time.Second

// anchorEvery is how often the vaults that are not on this machine are written.
const anchorEvery = time.Hour

// Checkpoint signs the tree as it is, if it has grown since the last one, and
// publishes it: outside of the database first, so that a restore of an older
// database is found out. It signs only what the replica has confirmed. Otherwise
// a restore after the loss of this machine would lack events that were signed,
// and the log could not go on (spec/audit.md B1 point 3).
func (s *System) Checkpoint(ctx context.Context) error {
	s.signing.Lock()
	defer s.signing.Unlock()
	done, err := s.checkpoint(ctx)
	if err == nil {
		s.failed.Store(nil)
	} else {
		now := &signFailure{err, s.DB.Now()}
		if before := s.failed.Load(); before != nil {
			now.since = before.since // the reason is today's, and it has lasted since then
		}
		s.failed.Store(now)
	}
	if done != nil {
		s.anchorElsewhere(ctx, done.note)
	}
	return err
}

func (s *System) checkpoint(ctx context.Context) (*signedHead, error) {
	type state struct {
		head
		origin
	}
	st, err := store.Read(ctx, s.DB, func(tx *store.Tx) (st state, err error) {
		if st.head, err = selectHead(tx); err != nil {
			return st, err
		}
		st.origin, err = originByGen(tx, st.head.gen)
		return st, err
	})
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if st.broken != "" {
		return nil, errors.New("the log is broken: " + st.broken)
	}
	last := s.signed.Load()
	if st.size == 0 || last != nil && last.gen == st.origin.gen && last.Size >= st.size {
		return nil, nil
	}
	if s.Confirmed != nil {
		wait, cancel := context.WithTimeout(ctx, confirmWait)
		defer cancel()
		if err := s.Confirmed(wait); err != nil {
			return nil, fmt.Errorf("checkpoint: the replica has not confirmed: %w", err)
		}
	}
	signers, err := s.signers(st.name)
	if err != nil {
		return nil, err
	}
	next := &signedHead{Checkpoint: merkle.Checkpoint{Origin: st.name, Size: st.size, Root: st.root}, gen: st.origin.gen, at: s.DB.Now()}
	if next.note, err = merkle.Sign(next.Checkpoint, signers...); err != nil {
		return nil, err
	}
	if err := s.Vaults[0].Put(ctx, anchorName, next.note); err != nil {
		return nil, fmt.Errorf("keep the checkpoint outside of the database: %w", err)
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { return keepCheckpoint(tx, next) }); err != nil {
		return nil, fmt.Errorf("keep the checkpoint: %w", err)
	}
	s.signed.Store(next)
	return next, nil
}

// keepCheckpoint stores it in place of the others of its day.
func keepCheckpoint(tx *store.Tx, c *signedHead) error {
	day := c.at.UTC().Truncate(24 * time.Hour)
	if err := deleteCheckpoints(tx, c.gen, day, day.Add(24*time.Hour), c.Size); err != nil {
		return err
	}
	return insertCheckpoint(tx, c)
}

// anchorElsewhere keeps the checkpoint in the other vaults, now and then.
func (s *System) anchorElsewhere(ctx context.Context, note []byte) {
	if s.DB.Now().Sub(s.anchored) < anchorEvery {
		return
	}
	for _, v := range s.Vaults[1:] {
		if err := v.Put(ctx, anchorName, note); err != nil {
			s.Logger.Warn("the checkpoint could not be kept beside the replica", "err", err)
			return
		}
	}
	s.anchored = s.DB.Now()
}

// anchor is the largest checkpoint that a vault remembers, nil when none does.
// One that our keys have not signed proves nothing and is left aside.
func (s *System) anchor(ctx context.Context) (*merkle.Signed, error) {
	var largest *merkle.Signed
	var faults error
	for _, v := range s.memory(ctx) {
		note, err := recall(ctx, v, anchorName)
		if err != nil {
			faults = errors.Join(faults, err)
			continue
		}
		if note == nil {
			continue
		}
		c, err := s.openOwn(note)
		if err != nil {
			s.Logger.Warn("a kept checkpoint is not ours", "err", err)
			continue
		}
		if largest == nil || originGen(c.Origin) > originGen(largest.Origin) || c.Origin == largest.Origin && c.Size > largest.Size {
			largest = &c
		}
	}
	return largest, faults
}

// openOwn verifies a checkpoint with the keys that are here.
func (s *System) openOwn(note []byte) (merkle.Signed, error) {
	origin, _, _ := strings.Cut(string(note), "\n")
	var verifiers []string
	for _, k := range s.keys {
		v, err := merkle.VerifierKey(origin, k.Public())
		if err != nil {
			return merkle.Signed{}, err
		}
		verifiers = append(verifiers, v)
	}
	return merkle.Open(note, verifiers...)
}

// recallCheckpoint finds the last one that was published, after a start.
func (s *System) recallCheckpoint(ctx context.Context) error {
	c, err := store.Read(ctx, s.DB, func(tx *store.Tx) (*signedHead, error) {
		o, err := lastOrigin(tx)
		if err != nil {
			return nil, err
		}
		return newestCheckpoint(tx, o.gen)
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		s.signed.Store(c)
	}
	return err
}
