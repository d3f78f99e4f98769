package audit

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// Open checks the tree against the rows as they are now and takes up where the
// last process ended. A tree that does not follow from the rows is no reason to
// stop: events go on, nothing is signed any more, and State says so until an
// operator has acknowledged it (Restart).
func (s *System) Open(ctx context.Context) error {
	if err := s.Declare(ownKinds...); err != nil {
		return err
	}
	keys, err := loadKeys(s.Keys)
	if err != nil {
		return err
	}
	s.keys = keys
	if err := s.begin(ctx); err != nil {
		return fmt.Errorf("begin the audit log: %w", err)
	}
	if err := s.DB.BeforeCommit(ctx, s.tree.writeHead); err != nil {
		return err
	}
	if err := s.check(ctx); err != nil {
		return fmt.Errorf("check the audit log: %w", err)
	}
	if err := s.DB.Write(ctx, s.noteKeys); err != nil {
		return fmt.Errorf("audit keys: %w", err)
	}
	if err := s.recallCheckpoint(ctx); err != nil {
		return fmt.Errorf("the last checkpoint: %w", err)
	}
	return s.replayErasures(ctx)
}

// Origin is the name of an installation's n-th log: its address without scheme,
// as c2sp.org/tlog-tiles asks for, and the number after the first.
func Origin(address string, gen int64) string {
	host := address
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		host = u.Host
	}
	if gen == 1 {
		return host + "/-/audit/log"
	}
	return host + "/-/audit/log/" + strconv.FormatInt(gen, 10)
}

// originGen is the number in an origin's name.
func originGen(name string) int64 {
	_, number, ok := strings.Cut(name, "/-/audit/log/")
	if gen, err := strconv.ParseInt(number, 10, 64); ok && err == nil {
		return gen
	}
	return 1
}

// genesisChunk is how many events of before the tree are laid into it at once.
const genesisChunk = 4096

// begin makes the first origin, over whatever events there are already.
func (s *System) begin(ctx context.Context) error {
	for {
		done, err := store.Write(ctx, s.DB, func(tx *store.Tx) (bool, error) {
			if _, err := lastOrigin(tx); err == nil {
				return true, nil
			} else if !errors.Is(err, store.ErrNotFound) {
				return false, err
			}
			h, err := selectHead(tx)
			if errors.Is(err, store.ErrNotFound) {
				return false, putHead(tx, 1, 0, merkle.Empty)
			}
			if err != nil {
				return false, err
			}
			return s.lay(tx, h.size)
		})
		if done || err != nil {
			return err
		}
	}
}

// lay puts the next chunk of older events under the tree; when none is left, the
// origin begins.
func (s *System) lay(tx *store.Tx, size int64) (done bool, err error) {
	o := origin{gen: 1, first: 1, name: Origin(s.URL, 1)}
	leaves, err := selectLeaves(tx, size+1, size+1+genesisChunk)
	if err != nil {
		return false, err
	}
	if len(leaves) == 0 {
		return true, insertOrigin(tx, o)
	}
	tree, err := resume(tx, o, size)
	if err != nil {
		return false, err
	}
	for _, leaf := range leaves {
		for _, t := range tree.Append(leaf) {
			if err := insertTile(tx, o.gen, t); err != nil {
				return false, err
			}
		}
	}
	return false, putHead(tx, 1, tree.Size(), tree.Root())
}

// check compares rows, tree, head and the largest checkpoint known outside.
func (s *System) check(ctx context.Context) error {
	anchor, err := s.anchor(ctx)
	if err != nil {
		// Not being able to ask a replica proves nothing; the next start asks again.
		s.Logger.Error("a vault with the last signed checkpoint cannot be read", "err", err)
	}
	var broken string
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		broken = ""
		h, err := selectHead(tx)
		if err != nil {
			return err
		}
		o, err := lastOrigin(tx)
		if err != nil {
			return err
		}
		last, err := lastSeq(tx)
		if err != nil {
			return err
		}
		if h.broken != "" {
			broken = h.broken
			return s.tree.load(tx, last)
		}
		broken, err = s.fault(tx, h, o, last)
		if err != nil {
			return err
		}
		if broken == "" && anchor != nil {
			behind, why, err := s.compareAnchor(tx, h, o, *anchor)
			if err != nil {
				return err
			}
			if behind {
				return s.restart(tx, o, h, anchor, "the database was restored behind a signed checkpoint")
			}
			broken = why
		}
		if broken != "" {
			if err := markBroken(tx, broken); err != nil {
				return err
			}
		}
		return s.tree.load(tx, last)
	})
	if err == nil && broken != "" {
		s.Logger.Error("THE AUDIT LOG IS BROKEN: events are still recorded, but nothing is signed any more. "+
			"Run 'seaworthy audit verify' to see the first bad event; 'seaworthy audit restart' acknowledges it and begins a new origin", "why", broken)
	}
	return err
}

// fault says what is wrong with the tree, "" when nothing is.
func (s *System) fault(tx *store.Tx, h head, o origin, last int64) (string, error) {
	size := last - o.first + 1
	if h.gen != o.gen || h.size != size {
		return fmt.Sprintf("the head counts %d events, the log has %d", h.size, size), nil
	}
	tree, err := resume(tx, o, size)
	if errors.Is(err, errGap) {
		return errGap.Error(), nil
	}
	if err != nil {
		return "", err
	}
	if tree.Root() != h.root {
		return "the root in the head does not follow from the events", nil
	}
	return "", nil
}

// compareAnchor finds out whether what was once signed still holds.
func (s *System) compareAnchor(tx *store.Tx, h head, o origin, anchor merkle.Signed) (behind bool, why string, err error) {
	switch gen := originGen(anchor.Origin); {
	case gen > o.gen || gen == o.gen && anchor.Size > h.size:
		return true, "", nil
	case gen < o.gen:
		return false, "", nil // signed before this origin began
	}
	root, err := merkle.RootAt(tileReader(tx, o, h.size), merkle.Checkpoint{Origin: o.name, Size: h.size, Root: h.root}, anchor.Size)
	if err != nil {
		return false, "a tile does not lead to the root: " + err.Error(), nil
	}
	if root != anchor.Root {
		return false, fmt.Sprintf("the first %d events are not those that were signed", anchor.Size), nil
	}
	return false, "", nil
}

// restart begins a new origin behind the events that are there. Its leaf 0
// records what was signed before and what is missing (spec/audit.md B4).
func (s *System) restart(tx *store.Tx, o origin, h head, anchor *merkle.Signed, why string) error {
	last, err := lastSeq(tx)
	if err != nil {
		return err
	}
	next := origin{gen: o.gen + 1, first: last + 1}
	if anchor != nil {
		next.gen = max(next.gen, originGen(anchor.Origin)+1) // no name is ever used twice
	}
	next.name = Origin("//"+hostOf(o.name), next.gen)
	if err := insertOrigin(tx, next); err != nil {
		return err
	}
	if err := putHead(tx, next.gen, 0, merkle.Empty); err != nil {
		return err
	}
	if err := s.tree.load(tx, last); err != nil {
		return err
	}
	details := map[string]any{"reason": why, "origin": next.name, "first_seq": next.first, "old_origin": o.name,
		"old_size": last - o.first + 1, "head_size": h.size, "head_root": fmt.Sprintf("%x", h.root[:])}
	if anchor != nil {
		details["signed_origin"], details["signed_size"], details["signed_root"] = anchor.Origin, anchor.Size, fmt.Sprintf("%x", anchor.Root[:])
		if anchor.Origin == o.name {
			details["missing_events"] = max(0, anchor.Size-(last-o.first+1))
		}
	}
	return s.Record(tx, Event{Action: actOriginStarted, Actor: self, Details: details})
}

// Restart acknowledges a broken tree: a new origin begins. Nothing of what is
// there is changed, and the break stays on record.
func (s *System) Restart(ctx context.Context, reason string) error {
	anchor, err := s.anchor(ctx)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		o, err := lastOrigin(tx)
		if err != nil {
			return err
		}
		h, err := selectHead(tx)
		if err != nil {
			return err
		}
		if h.broken == "" {
			return errors.New("the log is not broken: there is nothing to acknowledge")
		}
		return s.restart(tx, o, h, anchor, h.broken+"; acknowledged: "+reason)
	})
}
