package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// Read runs a function on a snapshot: store.DB's Read, or a file's.
type Read func(ctx context.Context, fn func(*store.Tx) error) error

// File verifies a database file, whether a server has it open or not.
func File(ctx context.Context, path string, o Options) (Report, error) {
	return Database(ctx, func(ctx context.Context, fn func(*store.Tx) error) error { return store.ReadFile(ctx, path, fn) }, o)
}

// chunk is how many events are read at once, a whole number of tiles.
const chunk = 64 * merkle.Width

// Database verifies everything a database says about its log: each body against
// its leaf and its columns, leaves against tiles, tiles against the head, the
// head against every signed checkpoint, personal data against its digests, and
// that neither the log nor any org's has a gap.
func Database(ctx context.Context, read Read, o Options) (Report, error) {
	var r Report
	var book ledger
	err := read(ctx, func(tx *store.Tx) (err error) { book, err = readLedger(tx); return err })
	if err != nil {
		return r, fmt.Errorf("read the log's head: %w", err)
	}
	err = r.database(ctx, read, book, o)
	return r, r.conclude(err)
}

func (r *Report) database(ctx context.Context, read Read, book ledger, o Options) error {
	if len(book.origins) == 0 || book.head == nil {
		return wrong(0, "there is no tree: the log was never opened, or its rows were removed")
	}
	r.Pinned = len(o.Keys) > 0
	if !r.Pinned {
		o.Keys = book.verifierKeys()
	}
	last := book.origins[len(book.origins)-1]
	r.Origin, r.Size = last.name, book.last-last.first+1
	if book.head.broken != "" {
		defer func() {
			if r.Problem == "" {
				r.Problem = "the log was marked as broken: " + book.head.broken
			}
		}()
	}
	orgs := map[string]int64{}
	for i, org := range book.origins {
		end := book.last // seq of the origin's newest event
		if i+1 < len(book.origins) {
			end = book.origins[i+1].first - 1
		}
		if err := r.origin(ctx, read, book, org, end, orgs, o); err != nil {
			return err
		}
	}
	return nil
}

// origin verifies one unbroken history.
func (r *Report) origin(ctx context.Context, read Read, book ledger, org origin, end int64, orgs map[string]int64, o Options) error {
	signed, err := book.checkpoints(org, o)
	if err != nil {
		return err
	}
	kept, err := o.kept(org.name)
	if err != nil {
		return err
	}
	maps.Copy(signed.roots, kept)
	w := walk{report: r, gen: org.gen, first: org.first, tree: &merkle.Tree{}, expect: signed.roots, orgs: orgs}
	if err := w.run(ctx, read, org.first, end); err != nil {
		return err
	}
	size := end - org.first + 1
	for _, at := range slices.Sorted(maps.Keys(signed.roots)) {
		if at > size && org.gen == book.head.gen {
			return wrong(end+1, "the log ends here, but %d events were signed", at)
		}
	}
	err = read(ctx, func(tx *store.Tx) error {
		grown := size
		if org.gen == book.head.gen { // events were recorded meanwhile, and may have filled tiles
			last, err := lastSeq(tx)
			if err != nil {
				return err
			}
			grown = max(size, last-org.first+1)
		}
		return w.compareUpper(tx, size, grown)
	})
	if err != nil {
		return err
	}
	if org.gen != book.head.gen {
		return nil
	}
	r.Root, r.SignedBy = w.tree.Root(), signed.by
	switch {
	case book.head.size < size:
		return wrong(org.first+book.head.size, "the head counts %d events, and this one comes after them", book.head.size)
	case book.head.size > size:
		return wrong(end+1, "the log ends here, but the head counts %d events", book.head.size)
	case book.head.root != w.tree.Root():
		return wrong(0, "the head's root does not follow from the events")
	}
	return nil
}
