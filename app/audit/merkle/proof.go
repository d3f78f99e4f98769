package merkle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Proof is an offline proof that an entry is in a signed log, in the format of
// c2sp.org/tlog-proof.
type Proof struct {
	Extra      []byte // the application's own, not authenticated
	Index      int64  // of the entry, from 0
	Hashes     []Hash // from the leaf's sibling to the root's child
	Checkpoint []byte // the signed note
}

const proofLine = "c2sp.org/tlog-proof@v1"

// maxProofHashes is more than a tree of 2^63 entries needs.
const maxProofHashes = 63

// String is the content of a .tlog-proof file.
func (p Proof) String() string {
	var b strings.Builder
	b.WriteString(proofLine + "\n")
	if len(p.Extra) > 0 {
		b.WriteString("extra " + base64.StdEncoding.EncodeToString(p.Extra) + "\n")
	}
	b.WriteString("index " + strconv.FormatInt(p.Index, 10) + "\n")
	for _, h := range p.Hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(p.Checkpoint)
	return b.String()
}

// ParseProof reads a .tlog-proof file strictly: what String would not write is
// refused.
func ParseProof(text []byte) (Proof, error) {
	fault := func(what string) (Proof, error) { return Proof{}, fmt.Errorf("this is no proof: %s", what) }
	head, checkpoint, ok := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != proofLine {
		return fault("it does not begin with " + proofLine)
	}
	p := Proof{Checkpoint: []byte(checkpoint)}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		extra, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[0], "extra "))
		if err != nil || len(extra) == 0 {
			return fault("the extra line is not base64")
		}
		p.Extra, lines = extra, lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return fault("it has no index")
	}
	var err error
	digits := strings.TrimPrefix(lines[0], "index ")
	if p.Index, err = strconv.ParseInt(digits, 10, 64); err != nil || p.Index < 0 || strconv.FormatInt(p.Index, 10) != digits {
		return fault("the index is no number")
	}
	if len(lines)-1 > maxProofHashes {
		return fault("it has too many hashes")
	}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != tlog.HashSize {
			return fault("a hash is not 32 bytes in base64")
		}
		p.Hashes = append(p.Hashes, Hash(h))
	}
	return p, nil
}

// ErrProof says that a proof does not show what it should.
var ErrProof = errors.New("the proof does not lead from the entry to the signed root")

// Verify checks that entry is where the proof says it is, in a log signed by one
// of the keys.
func (p Proof) Verify(entry []byte, keys ...string) (Signed, error) {
	c, err := Open(p.Checkpoint, keys...)
	if err != nil {
		return Signed{}, err
	}
	if p.Index >= c.Size {
		return Signed{}, ErrProof
	}
	if err := tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, Leaf(entry)); err != nil {
		return Signed{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	return c, nil
}

// Reader reads tiles by place, as bytes of whole hashes.
type Reader func(At) ([]byte, error)

// hashReader lets sumdb read nodes from tiles and checks each tile against the
// root before it believes it.
func (read Reader) hashReader(tree tlog.Tree) tlog.HashReader {
	return tlog.TileHashReader(tree, tiles{read})
}

type tiles struct{ read Reader }

// Height implements tlog.TileReader: tiles of 2^8 hashes.
func (tiles) Height() int { return 8 }

// ReadTiles implements tlog.TileReader.
func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(want))
	for i, w := range want {
		var err error
		if data[i], err = t.read(At{Level: w.L, N: w.N, Width: w.W}); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// SaveTiles implements tlog.TileReader; nothing is cached.
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// Prove makes the inclusion proof of the entry at index in the tree of c.
func Prove(read Reader, c Checkpoint, index int64) ([]Hash, error) {
	proof, err := tlog.ProveRecord(c.Size, index, read.hashReader(c.Tree()))
	if err != nil {
		return nil, fmt.Errorf("prove entry %d of %d: %w", index, c.Size, err)
	}
	return proof, nil
}

// RootAt is the root of the first size entries of the tree of c.
func RootAt(read Reader, c Checkpoint, size int64) (Hash, error) {
	if size == 0 {
		return Empty, nil
	}
	if size == c.Size {
		return c.Root, nil
	}
	root, err := tlog.TreeHash(size, read.hashReader(c.Tree()))
	if err != nil {
		return Hash{}, fmt.Errorf("root at %d: %w", size, err)
	}
	return root, nil
}
