package minisign

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/blake2b"
)

// Signature is what a .minisig file holds.
type Signature struct {
	Comment string // what the signer says of the file; to be trusted once Verify has passed

	prehashed bool // of the file's BLAKE2b-512 and not of the file itself
	id        [8]byte
	file      []byte // signature of the file
	global    []byte // of that signature and the comment
}

// mostFile is how large a file may be that is signed itself: it has to be read whole.
const mostFile = 1 << 30

const (
	untrusted = "untrusted comment: "
	trusted   = "trusted comment: "
)

var (
	errSignature = errors.New("this is no signature of minisign")
	// ErrForged says that a file, its signature or the comment was changed.
	ErrForged = errors.New("the signature is not that of this file")
)

// UnknownKeyError says that a file was signed with a key that nobody trusts here.
type UnknownKeyError struct{ ID string }

func (e *UnknownKeyError) Error() string {
	return "it was signed with the key " + e.ID + ", which is not among those that are trusted"
}

// ParseSignature reads a .minisig file: a comment, the algorithm (Ed, or ED for a digest),
// key and signature in base64, the comment that is signed, and the signature of that.
func ParseSignature(text []byte) (Signature, error) {
	all := lines(string(text))
	if len(text) > mostText || len(all) != 4 || !strings.HasPrefix(all[0], untrusted) {
		return Signature{}, errSignature
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(all[1])
	if err != nil || len(raw) != 2+8+ed25519.SignatureSize || string(raw[:2]) != "Ed" && string(raw[:2]) != "ED" {
		return Signature{}, errSignature
	}
	comment, ok := strings.CutPrefix(all[2], trusted)
	if !ok || !utf8.ValidString(comment) || strings.ContainsFunc(comment, unprintable) {
		return Signature{}, errSignature
	}
	global, err := base64.StdEncoding.Strict().DecodeString(all[3])
	if err != nil || len(global) != ed25519.SignatureSize {
		return Signature{}, errSignature
	}
	s := Signature{Comment: comment, prehashed: raw[1] == 'D', file: raw[10:], global: global}
	copy(s.id[:], raw[2:])
	return s, nil
}

// unprintable finds what a terminal would take for a command. minisign itself puts a tab
// between the parts of its comment.
func unprintable(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }

// Verify holds the signature against a file and returns the key that made it.
func (s Signature) Verify(keys []Key, file io.Reader) (Key, error) {
	for _, k := range keys {
		if k.id != s.id {
			continue
		}
		signed, err := s.signed(file)
		if err != nil {
			return k, err
		}
		if ed25519.Verify(k.public, signed, s.file) && ed25519.Verify(k.public, append(bytes.Clone(s.file), s.Comment...), s.global) {
			return k, nil
		}
		return k, ErrForged
	}
	return Key{}, &UnknownKeyError{idText(s.id)}
}

// signed is what the file's signature is made over.
func (s Signature) signed(file io.Reader) ([]byte, error) {
	if !s.prehashed {
		text, err := io.ReadAll(io.LimitReader(file, mostFile+1))
		if err == nil && len(text) > mostFile {
			err = fmt.Errorf("a file of more than %d bytes must be signed by its digest", mostFile)
		}
		return text, err
	}
	digest, err := blake2b.New512(nil)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(digest, file); err != nil {
		return nil, err
	}
	return digest.Sum(nil), nil
}
