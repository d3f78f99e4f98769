package merkle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a tree head as c2sp.org/tlog-checkpoint writes it: origin, size
// and root on a line each, signed as a note.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

// String is the text that is signed.
func (c Checkpoint) String() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// Tree is the head as sumdb's checks take it.
func (c Checkpoint) Tree() tlog.Tree { return tlog.Tree{N: c.Size, Hash: c.Root} }

var errCheckpoint = errors.New("this is no checkpoint")

// ParseCheckpoint reads a note's text without looking at signatures.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 || lines[0] == "" || len(text) > 100_000 {
		return Checkpoint{}, errCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, errCheckpoint
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, errCheckpoint
	}
	// What follows the root are extension lines; ours have none, others' may.
	return Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}, nil
}

// Sign makes the note of a checkpoint with every signer.
func Sign(c Checkpoint, signers ...note.Signer) ([]byte, error) {
	msg, err := note.Sign(&note.Note{Text: c.String()}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign a checkpoint: %w", err)
	}
	return msg, nil
}

// Signed is a checkpoint whose signature was verified, and by which keys.
type Signed struct {
	Checkpoint
	Keys []string // verifier keys whose signatures are good
}

// Open verifies a signed checkpoint: one signature at least is by one of the
// keys, given as verifier keys ("name+hash+base64"), and the name of the key is
// the origin. A bad signature by a known key refuses the whole.
func Open(msg []byte, keys ...string) (Signed, error) {
	var verifiers []note.Verifier
	byHash := map[uint32]string{}
	for _, k := range keys {
		v, err := note.NewVerifier(k)
		if err != nil {
			return Signed{}, fmt.Errorf("key %q: %w", k, err)
		}
		verifiers = append(verifiers, v)
		byHash[v.KeyHash()] = k
	}
	n, err := note.Open(msg, note.VerifierList(verifiers...))
	if err != nil {
		return Signed{}, fmt.Errorf("open the checkpoint: %w", err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Signed{}, err
	}
	s := Signed{Checkpoint: c}
	for _, sig := range n.Sigs {
		if sig.Name == c.Origin {
			s.Keys = append(s.Keys, byHash[sig.Hash])
		}
	}
	if len(s.Keys) == 0 {
		return Signed{}, fmt.Errorf("the checkpoint of %s is signed in another name", c.Origin)
	}
	return s, nil
}
