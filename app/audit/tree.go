package audit

import (
	"errors"
	"fmt"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// ledger is the tree in memory, on the writer's goroutine alone. The rows are the
// truth: before each step it goes to where they are, so that a closure which was
// rolled back, or a whole group, leaves no trace in it.
type ledger struct {
	gen    int64 // of the origin; 0 until loaded
	first  int64 // seq of leaf 0
	tree   *merkle.Tree
	dirty  bool   // something was appended since the head was last written
	broken string // why the tree no longer follows the log; "" while it does
}

// errGap says that the rows are not those that a tree of this size was made of.
var errGap = errors.New("rows of the log or of its tree are missing")

// grow adds the event with this seq, which has just been inserted.
func (g *ledger) grow(tx *store.Tx, seq int64, leaf merkle.Hash) error {
	if g.gen == 0 {
		if err := g.load(tx, seq-1); err != nil {
			return err
		}
	}
	if g.broken != "" {
		return nil // events go on; the head stays as the evidence it is
	}
	if err := g.follow(tx, seq-1); err != nil {
		return err
	}
	g.dirty = true
	for _, t := range g.tree.Append(leaf) {
		if err := insertTile(tx, g.gen, t); err != nil {
			return err
		}
	}
	return nil
}

// load reads the state as the last commit left it. last is the seq of the newest
// event that the tree should cover.
func (g *ledger) load(tx *store.Tx, last int64) error {
	head, err := selectHead(tx)
	if err != nil {
		return fmt.Errorf("the log was not opened: %w", err)
	}
	o, err := lastOrigin(tx)
	if err != nil {
		return err
	}
	*g = ledger{gen: o.gen, first: o.first, broken: head.broken}
	if g.broken != "" {
		return nil
	}
	return g.reload(tx, last)
}

// follow brings the tree to where the rows are.
func (g *ledger) follow(tx *store.Tx, last int64) error {
	want := last - g.first + 1
	if g.tree.Size() == want || g.tree.Truncate(want) {
		return nil
	}
	return g.reload(tx, last)
}

// reload makes the tree anew from its full tiles and the leaves behind them.
func (g *ledger) reload(tx *store.Tx, last int64) error {
	tree, err := resume(tx, origin{gen: g.gen, first: g.first}, last-g.first+1)
	if err != nil {
		return err
	}
	g.tree = tree
	return nil
}

// resume is the tree of an origin's first size events.
func resume(tx *store.Tx, o origin, size int64) (*merkle.Tree, error) {
	var partial [][]merkle.Hash
	for level := 0; size>>(8*level) > 0; level++ {
		count := size >> (8 * level)
		hashes, err := edgeHashes(tx, o, level, count&^(merkle.Width-1), count)
		if err != nil {
			return nil, err
		}
		partial = append(partial, hashes)
	}
	tree, ok := merkle.Resume(size, partial)
	if !ok {
		return nil, errGap
	}
	return tree, nil
}

// edgeHashes are the hashes from to to of a level, from where they are kept.
func edgeHashes(tx *store.Tx, o origin, level int, from, to int64) ([]merkle.Hash, error) {
	if level == 0 {
		return selectLeaves(tx, o.first+from, o.first+to)
	}
	return selectTileRoots(tx, o.gen, level-1, from, to)
}

// writeHead stores size and root, once for all events of a group.
func (g *ledger) writeHead(tx *store.Tx) error {
	if !g.dirty || g.broken != "" {
		return nil
	}
	last, err := lastSeq(tx)
	if err != nil {
		return err
	}
	if err := g.follow(tx, last); err != nil {
		return fmt.Errorf("audit head: %w", err)
	}
	root := g.tree.Root()
	if err := updateHead(tx, g.gen, g.tree.Size(), root); err != nil {
		return fmt.Errorf("audit head: %w", err)
	}
	g.dirty = false
	return nil
}
