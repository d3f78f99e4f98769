package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"seaworthy/app/audit/merkle"
)

// Source is where a tiled log is read from, by the paths of c2sp.org/tlog-tiles
// below its prefix; fs.ErrNotExist for what is not there. "keys" are its verifier
// keys, one a line.
type Source interface {
	Read(ctx context.Context, path string) ([]byte, error)
}

// Tiles verifies a tiled log: its newest checkpoint, every tile and every entry
// under it. Bundles that the log does not give (retention has dropped an entry in
// them) are passed over: their hashes are checked, their texts cannot be.
func Tiles(ctx context.Context, src Source, o Options) (Report, error) {
	var r Report
	err := r.tiles(ctx, src, o)
	return r, r.conclude(err)
}

func (r *Report) tiles(ctx context.Context, src Source, o Options) error {
	note, err := src.Read(ctx, "checkpoint")
	if err != nil {
		return fmt.Errorf("the checkpoint: %w", err)
	}
	if r.Pinned = len(o.Keys) > 0; !r.Pinned {
		keys, err := src.Read(ctx, "keys")
		if err != nil {
			return fmt.Errorf("no key was given, and the log names none: %w", err)
		}
		o.Keys = Lines(keys)
	}
	c, err := o.open(note)
	if err != nil {
		return wrong(0, "the checkpoint is not signed by a known key: %v", err)
	}
	r.Origin, r.Size, r.Root, r.SignedBy = c.Origin, c.Size, c.Root, c.Keys
	expect, err := o.kept(c.Origin)
	if err != nil {
		return err
	}
	for size := range expect {
		if size > c.Size {
			return wrong(0, "the log has %d events, but a checkpoint for %d was kept", c.Size, size)
		}
	}
	expect[c.Size] = c.Root
	t := tiled{report: r, src: src, tree: &merkle.Tree{}, expect: expect, orgs: map[string]int64{}, first: 1}
	for n := int64(0); merkle.Whole(c.Size, 0, n) > 0; n++ {
		if err := t.take(ctx, n, merkle.Whole(c.Size, 0, n)); err != nil {
			return err
		}
	}
	return t.upper(ctx, c.Size)
}

// tiled is the state of a walk over tiles.
type tiled struct {
	report *Report
	src    Source
	tree   *merkle.Tree
	expect map[int64]merkle.Hash
	good   int64
	orgs   map[string]int64
	first  int64 // seq of leaf 0
	full   []merkle.Tile
}

// take verifies a level 0 tile and its bundle.
func (t *tiled) take(ctx context.Context, n int64, width int) error {
	at := merkle.At{N: n, Width: width}
	start := t.first + n*merkle.Width
	data, err := t.src.Read(ctx, at.Path())
	if err != nil {
		return missing(start, at, err)
	}
	hashes := merkle.Hashes(data)
	if len(hashes) != width {
		return wrong(start, "the tile over this event has %d bytes, not %d hashes", len(data), width)
	}
	at.Entries = true
	bundle, err := t.src.Read(ctx, at.Path())
	var entries [][]byte
	switch {
	case errors.Is(err, ErrGone):
		t.report.Dropped += int64(width)
	case err != nil:
		return missing(start, at, err)
	default:
		if entries, err = merkle.Unbundle(bundle, width); err != nil {
			return wrong(start, "the bundle that begins with this event is damaged: %v", err)
		}
	}
	for i, h := range hashes {
		if entries != nil {
			if err := t.entry(t.first+n*merkle.Width+int64(i), n == 0 && i == 0, entries[i], h); err != nil {
				return err
			}
		}
		t.full = append(t.full, t.tree.Append(h)...)
		if root, signed := t.expect[t.tree.Size()]; signed {
			if root != t.tree.Root() {
				from := t.first + t.good
				return wrong(from, "events %d to %d are not those that were signed", from, t.first+t.tree.Size()-1)
			}
			t.good = t.tree.Size()
		}
	}
	t.report.Events += int64(width)
	return nil
}

func missing(seq int64, at merkle.At, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return wrong(seq, "%s is missing", at.Path())
	}
	return fmt.Errorf("%s: %w", at.Path(), err)
}

// entry verifies one event against its leaf, and that no org's log has a gap.
func (t *tiled) entry(seq int64, firstOfAll bool, entry []byte, leaf merkle.Hash) error {
	if merkle.Leaf(entry) != leaf {
		return wrong(seq, "its body is not the one in the tree")
	}
	if firstOfAll {
		if first := firstSeq(entry); first > 0 {
			t.first = first // a later origin: it says where it begins
		}
	}
	at, ok := placeOf(entry)
	if !ok {
		return wrong(seq, "its body is no event")
	}
	if at.org == "" {
		return nil
	}
	// A later origin takes up the orgs' counts where the earlier one left them.
	last, seen := t.orgs[at.org]
	if (seen || t.first == 1 && t.report.Dropped == 0) && at.orgSeq != last+1 {
		return wrong(seq, "it is number %d of %s, whose last one was %d", at.orgSeq, at.org, last)
	}
	t.orgs[at.org] = at.orgSeq
	return nil
}

// upper verifies the tiles above level 0.
func (t *tiled) upper(ctx context.Context, size int64) error {
	roots := map[int][]merkle.Hash{}
	for _, f := range t.full {
		roots[f.Level+1] = append(roots[f.Level+1], f.Root)
	}
	for level := 1; size>>(8*level) > 0; level++ {
		for n := int64(0); merkle.Whole(size, level, n) > 0; n++ {
			at := merkle.At{Level: level, N: n, Width: merkle.Whole(size, level, n)}
			data, err := t.src.Read(ctx, at.Path())
			if err != nil {
				return missing(0, at, err)
			}
			want := roots[level][n*merkle.Width:][:at.Width]
			for i, h := range merkle.Hashes(data) {
				if i < len(want) && h != want[i] {
					return wrong(t.first+(n*merkle.Width+int64(i))<<(8*level), "%s has another hash over this event and the %d after it", at.Path(), int64(1)<<(8*level)-1)
				}
			}
			if len(data) != len(want)*len(merkle.Hash{}) {
				return wrong(0, "%s has %d bytes, not %d hashes", at.Path(), len(data), len(want))
			}
		}
	}
	return nil
}
