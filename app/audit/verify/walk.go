package verify

import (
	"bytes"
	"context"
	"runtime"
	"sync"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// walk goes over the events of one origin in order: chunks are read and hashed
// beside each other, what must be in order is done as they come in.
type walk struct {
	report *Report
	gen    int64
	first  int64 // seq of leaf 0
	tree   *merkle.Tree
	expect map[int64]merkle.Hash // roots that were signed, by size
	good   int64                 // largest of those sizes that held
	orgs   map[string]int64      // last org_seq of each org
	upper  []merkle.Tile         // full tiles above level 0, to be compared at the end
}

// part is what a chunk yields.
type part struct {
	leaves  []merkle.Hash
	orgs    []orgMark
	tiles   map[int64]stored // level 0 tiles that begin in it
	dropped int64
	err     error // of the first bad event; what is before it stands in leaves
}

// orgMark is an event in an org's own count.
type orgMark struct {
	org      string
	seq, own int64
}

// stored is a tile as the database has it.
type stored struct{ hashes, root []byte }

// run verifies the events from one seq to another, both with.
func (w *walk) run(ctx context.Context, read Read, from, to int64) error {
	ctx, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer func() { stop(); all.Wait() }()
	type job struct {
		from, to int64
		out      chan part
	}
	ahead := max(2, runtime.GOMAXPROCS(0))
	jobs, order := make(chan job), make(chan job, ahead)
	all.Go(func() {
		defer close(jobs)
		defer close(order)
		for at := from; at <= to; at += chunk {
			j := job{at, min(at+chunk-1, to), make(chan part, 1)}
			for _, c := range []chan job{order, jobs} {
				select {
				case c <- j:
				case <-ctx.Done():
					return
				}
			}
		}
	})
	for range ahead {
		all.Go(func() {
			for j := range jobs {
				var p part
				if err := read(ctx, func(tx *store.Tx) error { p = readPart(tx, w.gen, w.first, j.from, j.to); return nil }); err != nil {
					p.err = err
				}
				j.out <- p
			}
		})
	}
	for j := range order {
		if err := w.take(<-j.out, j.from); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// take adds a chunk to the tree and compares what it completes.
func (w *walk) take(p part, from int64) error {
	marks := p.orgs
	for i, leaf := range p.leaves {
		seq := from + int64(i)
		for len(marks) > 0 && marks[0].seq == seq {
			m := marks[0]
			if m.own != w.orgs[m.org]+1 {
				return wrong(seq, "it is number %d of %s, whose last one was %d", m.own, m.org, w.orgs[m.org])
			}
			w.orgs[m.org], marks = m.own, marks[1:]
		}
		for _, t := range w.tree.Append(leaf) {
			if err := w.compareTile(t, p.tiles, seq); err != nil {
				return err
			}
		}
		if root, signed := w.expect[w.tree.Size()]; signed {
			if root != w.tree.Root() {
				return wrong(w.first+w.good, "events %d to %d are not those that were signed", w.first+w.good, seq)
			}
			w.good = w.tree.Size()
		}
	}
	w.report.Events += int64(len(p.leaves))
	w.report.Dropped += p.dropped
	return p.err
}

// compareTile holds a tile that the events fill against the one that is kept.
func (w *walk) compareTile(t merkle.Tile, kept map[int64]stored, last int64) error {
	if t.Level > 0 {
		w.upper = append(w.upper, t)
		return nil
	}
	have, ok := kept[t.N]
	if !ok {
		return wrong(last-merkle.Width+1, "the tile over this event and the 255 after it is missing")
	}
	hashes := merkle.Hashes(have.hashes)
	for i, h := range t.Hashes {
		if i >= len(hashes) || hashes[i] != h {
			return wrong(last-merkle.Width+1+int64(i), "its leaf is not the one in the tree")
		}
	}
	if len(hashes) != merkle.Width || !bytes.Equal(have.root, t.Root[:]) {
		return wrong(last-merkle.Width+1, "the tile over this event and the 255 after it has another root in the tree")
	}
	return nil
}

// readPart reads and hashes one chunk.
func readPart(tx *store.Tx, gen, first, from, to int64) part {
	p := part{leaves: make([]merkle.Hash, 0, to-from+1)}
	if p.tiles, p.err = selectTiles(tx, gen, (from-first)/merkle.Width, (to-first)/merkle.Width); p.err != nil {
		return p
	}
	beside, err := readPersonal(tx, from, to)
	if err != nil {
		p.err = err
		return p
	}
	defer beside.rows.Close()
	rows, err := tx.Query(`SELECT seq, id, ts, coalesce(org, ''), coalesce(org_seq, 0), actor, action, coalesce(request_id, ''), body, leaf
		FROM audit_event WHERE seq >= ? AND seq <= ? ORDER BY seq`, from, to)
	if err != nil {
		p.err = err
		return p
	}
	defer rows.Close()
	var e event
	var org string // of the last mark: one copy for neighbours of one org
	for next := from; next <= to; next++ {
		if !rows.Next() {
			if p.err = rows.Err(); p.err == nil {
				p.err = wrong(next, "it is missing")
			}
			return p
		}
		if p.err = rows.Scan(&e.seq, &e.id, &e.ts, &e.org, &e.orgSeq, &e.actor, &e.action, &e.request, &e.body, &e.leaf); p.err != nil {
			return p
		}
		if e.seq != next {
			p.err = wrong(next, "it is missing; %d comes next", e.seq)
			return p
		}
		given, err := beside.of(e.seq)
		if err != nil {
			p.err = err
			return p
		}
		if what := e.check(given); what != "" {
			p.err = wrong(e.seq, "%s", what)
			return p
		}
		if e.body == nil {
			p.dropped++
		}
		if len(e.org) > 0 {
			if len(p.orgs) == 0 || p.orgs[len(p.orgs)-1].org != string(e.org) {
				org = string(e.org)
			}
			p.orgs = append(p.orgs, orgMark{org, e.seq, e.orgSeq})
		}
		p.leaves = append(p.leaves, merkle.Hash(e.leaf))
	}
	return p
}

func selectTiles(tx *store.Tx, gen, from, to int64) (map[int64]stored, error) {
	type row struct {
		n int64
		stored
	}
	all, err := store.All(tx, func(r store.Scanner) (t row, err error) { return t, r.Scan(&t.n, &t.hashes, &t.root) },
		`SELECT n, hashes, root FROM audit_tile WHERE gen = ? AND level = 0 AND n >= ? AND n <= ? ORDER BY n`, gen, from, to)
	tiles := map[int64]stored{}
	for _, t := range all {
		tiles[t.n] = t.stored
	}
	return tiles, err
}
