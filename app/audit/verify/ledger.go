package verify

import (
	"bytes"
	"errors"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// ledger is what a database says about its log, apart from the events.
type ledger struct {
	origins []origin
	head    *head
	last    int64 // seq of the newest event
	notes   []note
	keys    []publicKey
}

type origin struct {
	gen, first int64
	name       string
}

type head struct {
	gen, size int64
	root      merkle.Hash
	broken    string
}

type note struct {
	gen, size int64
	root      []byte
	text      string
}

type publicKey struct {
	public    string
	retired   bool
	gen, size int64
}

func readLedger(tx *store.Tx) (l ledger, err error) {
	if l.origins, err = store.All(tx, func(r store.Scanner) (o origin, err error) { return o, r.Scan(&o.gen, &o.first, &o.name) },
		`SELECT gen, first_seq, origin FROM audit_origin WHERE gen > 0 ORDER BY gen`); err != nil {
		return l, err
	}
	heads, err := store.All(tx, func(r store.Scanner) (h head, err error) {
		var root []byte
		err = r.Scan(&h.gen, &h.size, &root, &h.broken)
		copy(h.root[:], root)
		return h, err
	}, `SELECT gen, size, root, coalesce(broken, '') FROM audit_head WHERE id = 1`)
	if err != nil {
		return l, err
	}
	if len(heads) > 0 {
		l.head = &heads[0]
	}
	if l.last, err = lastSeq(tx); err != nil {
		return l, err
	}
	if l.notes, err = store.All(tx, func(r store.Scanner) (n note, err error) { return n, r.Scan(&n.gen, &n.size, &n.root, &n.text) },
		`SELECT gen, size, root, note FROM audit_checkpoint WHERE gen > 0 ORDER BY gen, size`); err != nil {
		return l, err
	}
	l.keys, err = store.All(tx, func(r store.Scanner) (k publicKey, err error) {
		return k, r.Scan(&k.public, &k.retired, &k.gen, &k.size)
	},
		`SELECT public, retired_at IS NOT NULL, coalesce(retired_gen, 0), coalesce(retired_size, 0) FROM audit_key WHERE public <> '' ORDER BY public`)
	return l, err
}

func lastSeq(tx *store.Tx) (seq int64, err error) {
	err = tx.QueryRow(`SELECT coalesce(max(seq), 0) FROM audit_event`).Scan(&seq)
	return seq, err
}

// verifierKeys are the keys the database itself names, for each of its origins.
func (l ledger) verifierKeys() []string {
	var all []string
	for _, o := range l.origins {
		for _, k := range l.keys {
			if v, err := merkle.VerifierKey(o.name, k.public); err == nil {
				all = append(all, v)
			}
		}
	}
	return all
}

// signed is what an origin's checkpoints demand.
type signed struct {
	roots map[int64]merkle.Hash // by size
	by    []string              // who signed the largest
}

// checkpoints verifies the signatures of an origin's checkpoints.
func (l ledger) checkpoints(org origin, o Options) (signed, error) {
	s := signed{roots: map[int64]merkle.Hash{}}
	for _, n := range l.notes {
		if n.gen != org.gen {
			continue
		}
		c, err := o.open([]byte(n.text))
		switch {
		case err != nil:
			return s, wrong(0, "the checkpoint at %d is not signed by a known key: %v", n.size, err)
		case c.Size != n.size || string(n.root) != string(c.Root[:]) || c.Origin != org.name:
			return s, wrong(0, "the checkpoint kept for size %d of %s speaks of size %d of %s, or of another root", n.size, org.name, c.Size, c.Origin)
		}
		if s.by = l.believed(c, org.gen); len(s.by) == 0 {
			return s, wrong(0, "the checkpoint at %d is signed only by keys that were retired before it", n.size)
		}
		s.roots[c.Size] = c.Root
	}
	return s, nil
}

// believed are the keys on a checkpoint that were not retired before it.
func (l ledger) believed(c merkle.Signed, gen int64) []string {
	var good []string
	for _, key := range c.Keys {
		retired := false
		for _, k := range l.keys {
			retired = retired || k.retired && merkle.SameKey(key, k.public) && (gen > k.gen || gen == k.gen && c.Size > k.size)
		}
		if !retired {
			good = append(good, key)
		}
	}
	return good
}

// compareUpper holds the tiles above level 0 against those that the first size events
// fill, and finds tiles beyond those that the events of now, grown of them, fill.
func (w *walk) compareUpper(tx *store.Tx, size, grown int64) error {
	for _, t := range w.upper {
		var hashes, root []byte
		err := tx.QueryRow(`SELECT hashes, root FROM audit_tile WHERE gen = ? AND level = ? AND n = ?`, w.gen, t.Level, t.N).Scan(&hashes, &root)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err != nil || !bytes.Equal(hashes, merkle.Bytes(t.Hashes)) || !bytes.Equal(root, t.Root[:]) {
			return wrong(0, "tile %d of level %d does not follow from the events", t.N, t.Level)
		}
	}
	for level := 0; level < 8; level++ {
		want, most := size>>(8*(level+1)), grown>>(8*(level+1))
		var n int64
		if err := tx.QueryRow(`SELECT coalesce(max(n), -1) + 1 FROM audit_tile WHERE gen = ? AND level = ?`, w.gen, level).Scan(&n); err != nil {
			return err
		}
		if n < want || n > most {
			return wrong(0, "level %d of the tree has %d full tiles, %d events fill %d", level, n, size, want)
		}
	}
	return nil
}
