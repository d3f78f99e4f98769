package audit

import (
	"errors"
	"time"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// origin is a row of audit_origin: one unbroken history of the log.
type origin struct {
	gen, first int64 // first is the seq of leaf 0
	name       string
	started    time.Time
}

const originColumns = `SELECT gen, first_seq, origin, started_at FROM audit_origin `

func scanOrigin(r store.Scanner) (o origin, err error) {
	var started int64
	err = r.Scan(&o.gen, &o.first, &o.name, &started)
	o.started = time.UnixMilli(started).UTC()
	return o, err
}

func lastOrigin(tx *store.Tx) (origin, error) {
	return scanOrigin(tx.QueryRow(originColumns + `WHERE gen > 0 ORDER BY gen DESC LIMIT 1`))
}

func originByGen(tx *store.Tx, gen int64) (origin, error) {
	return scanOrigin(tx.QueryRow(originColumns+`WHERE gen = ?`, gen))
}

// originOf is the history that an event belongs to.
func originOf(tx *store.Tx, seq int64) (origin, error) {
	all, err := allOrigins(tx)
	if err != nil {
		return origin{}, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].first <= seq {
			return all[i], nil
		}
	}
	return origin{}, store.ErrNotFound
}

func allOrigins(tx *store.Tx) ([]origin, error) {
	return store.All(tx, scanOrigin, originColumns+`WHERE gen > 0 ORDER BY gen`)
}

func insertOrigin(tx *store.Tx, o origin) error {
	_, err := tx.Exec(`INSERT INTO audit_origin (gen, origin, first_seq, started_at) VALUES (?, ?, ?, ?)`, o.gen, o.name, o.first, tx.Now().UnixMilli())
	return err
}

// head is the row of audit_head.
type head struct {
	gen, size int64
	root      merkle.Hash
	broken    string
}

func selectHead(tx *store.Tx) (h head, err error) {
	var root []byte
	err = tx.QueryRow(`SELECT gen, size, root, coalesce(broken, '') FROM audit_head WHERE id = 1`).Scan(&h.gen, &h.size, &root, &h.broken)
	if err == nil && len(root) != len(h.root) {
		return h, errors.New("the root in audit_head is not 32 bytes")
	}
	copy(h.root[:], root)
	return h, err
}

// putHead writes the whole row, at the beginning of an origin.
func putHead(tx *store.Tx, gen, size int64, root merkle.Hash) error {
	_, err := tx.Exec(`INSERT INTO audit_head (id, gen, size, root) VALUES (1, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET gen = excluded.gen, size = excluded.size, root = excluded.root, broken = NULL`, gen, size, root[:])
	return err
}

func updateHead(tx *store.Tx, gen, size int64, root merkle.Hash) error {
	return tx.ExecOne(`UPDATE audit_head SET size = ?, root = ? WHERE id = 1 AND gen = ?`, size, root[:], gen)
}

func markBroken(tx *store.Tx, why string) error {
	return tx.ExecOne(`UPDATE audit_head SET broken = ? WHERE id = 1`, why)
}

func insertTile(tx *store.Tx, gen int64, t merkle.Tile) error {
	_, err := tx.Exec(`INSERT INTO audit_tile (gen, level, n, hashes, root) VALUES (?, ?, ?, ?, ?)`,
		gen, t.Level, t.N, merkle.Bytes(t.Hashes), t.Root[:])
	return err
}

// selectTile is a full tile as bytes.
func selectTile(tx *store.Tx, gen int64, level int, n int64) (hashes []byte, err error) {
	err = tx.QueryRow(`SELECT hashes FROM audit_tile WHERE gen = ? AND level = ? AND n = ?`, gen, level, n).Scan(&hashes)
	return hashes, err
}

func scanHash(r store.Scanner) (h merkle.Hash, err error) {
	var b []byte
	if err = r.Scan(&b); err == nil && len(b) != len(h) {
		err = errors.New("a hash of the log is not 32 bytes")
	}
	copy(h[:], b)
	return h, err
}

// selectTileRoots are the roots of the full tiles of a level, from (with) to (without).
func selectTileRoots(tx *store.Tx, gen int64, level int, from, to int64) ([]merkle.Hash, error) {
	return store.All(tx, scanHash, `SELECT root FROM audit_tile WHERE gen = ? AND level = ? AND n >= ? AND n < ? ORDER BY n`, gen, level, from, to)
}

// selectLeaves are the leaves of the events from one seq to before another.
func selectLeaves(tx *store.Tx, from, to int64) ([]merkle.Hash, error) {
	return store.All(tx, scanHash, `SELECT leaf FROM audit_event WHERE seq >= ? AND seq < ? ORDER BY seq`, from, to)
}

// selectBodies are the bodies of the events from one seq to before another; nil
// for one that retention has dropped.
func selectBodies(tx *store.Tx, from, to int64) ([][]byte, error) {
	return store.All(tx, func(r store.Scanner) (b []byte, err error) { return b, r.Scan(&b) },
		`SELECT body FROM audit_event WHERE seq >= ? AND seq < ? ORDER BY seq`, from, to)
}
