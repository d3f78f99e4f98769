// Package merkle is the mathematics of the audit log: the RFC 6962 tree, its
// tiles in the layout of c2sp.org/tlog-tiles, signed checkpoints and offline
// proofs. It knows no database and no event; hashing, proofs and notes are
// golang.org/x/mod/sumdb's.
package merkle

import (
	"crypto/sha256"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a node of the tree: SHA-256, 32 bytes.
type Hash = tlog.Hash

// Width is how many hashes a full tile has.
const Width = 256

// Leaf is the RFC 6962 section 2.1 hash of an entry: SHA-256(0x00 || entry).
func Leaf(entry []byte) Hash { return tlog.RecordHash(entry) }

// Empty is the root of a tree without entries.
var Empty = Hash(sha256.Sum256(nil))

// Tree is the right edge of a growing tree: the hashes of the tiles that are not
// full yet, which is all that appending needs.
type Tree struct {
	size   int64
	levels []edge
}

// edge is the tile of one level that is not full.
type edge struct {
	hashes []Hash
	peaks  []Hash // roots of the perfect subtrees of hashes, the largest first: one for each bit of their number
}

// Tile is a full tile, made when its last hash was added.
type Tile struct {
	Level  int
	N      int64 // its number within the level
	Hashes []Hash
	Root   Hash // of the tile, which is a hash of the level above
}

// Size is the number of entries.
func (t *Tree) Size() int64 { return t.size }

// Append adds an entry by its leaf hash and returns the tiles that became full,
// lowest level first.
func (t *Tree) Append(leaf Hash) []Tile {
	t.size++
	var full []Tile
	h := leaf
	for l := 0; ; l++ {
		if l == len(t.levels) {
			t.levels = append(t.levels, edge{})
		}
		e := &t.levels[l]
		e.push(h)
		if len(e.hashes) < Width {
			return full
		}
		h = e.peaks[0]
		full = append(full, Tile{Level: l, N: t.size>>(8*(l+1)) - 1, Hashes: e.hashes, Root: h})
		*e = edge{}
	}
}

// push adds a hash and joins subtrees of equal size.
func (e *edge) push(h Hash) {
	e.hashes = append(e.hashes, h)
	for n := len(e.hashes); n&1 == 0; n >>= 1 {
		last := len(e.peaks) - 1
		h = tlog.NodeHash(e.peaks[last], h)
		e.peaks = e.peaks[:last]
	}
	e.peaks = append(e.peaks, h)
}

// Root is the Merkle Tree Hash of all entries.
func (t *Tree) Root() Hash {
	var root Hash
	some := false
	for _, e := range t.levels {
		for _, peak := range slices.Backward(e.peaks) {
			if !some {
				root, some = peak, true
				continue
			}
			root = tlog.NodeHash(peak, root)
		}
	}
	if !some {
		return Empty
	}
	return root
}

// Truncate takes the newest entries back, down to size, and reports whether it
// could: only entries of the tile that is not full can be taken back.
func (t *Tree) Truncate(size int64) bool {
	if size < 0 || size > t.size || size>>8 != t.size>>8 {
		return false
	}
	if size == t.size {
		return true
	}
	kept := t.levels[0].hashes[:size&(Width-1)]
	t.levels[0] = newEdge(kept)
	t.size = size
	return true
}

func newEdge(hashes []Hash) edge {
	e := edge{hashes: make([]Hash, 0, Width)}
	for _, h := range hashes {
		e.push(h)
	}
	return e
}

// Resume makes the tree of a size from the hashes of its partial tiles, lowest
// level first. It reports false when their numbers are not those of the size.
func Resume(size int64, partial [][]Hash) (*Tree, bool) {
	t := &Tree{size: size}
	for l := 0; size>>(8*l) > 0; l++ {
		if l >= len(partial) || int64(len(partial[l])) != size>>(8*l)&(Width-1) {
			return nil, false
		}
		t.levels = append(t.levels, newEdge(partial[l]))
	}
	return t, len(partial) <= len(t.levels)
}

// Bytes are the hashes one after another, as a tile is stored and served.
func Bytes(hashes []Hash) []byte {
	b := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

// Hashes reads back what Bytes wrote; nil when b is not whole hashes.
func Hashes(b []byte) []Hash {
	if len(b)%tlog.HashSize != 0 {
		return nil
	}
	hashes := make([]Hash, len(b)/tlog.HashSize)
	for i := range hashes {
		copy(hashes[i][:], b[i*tlog.HashSize:])
	}
	return hashes
}
