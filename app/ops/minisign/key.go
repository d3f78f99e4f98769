// Package minisign verifies signatures as minisign makes them
// (https://jedisct1.github.io/minisign/): Ed25519 over a file or over its BLAKE2b-512
// digest, and once more over that signature with a comment that can be trusted then.
package minisign

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Key is a public key.
type Key struct {
	id     [8]byte
	public ed25519.PublicKey
}

// mostText is how long a file of a key or a signature may be, in bytes.
const mostText = 8 << 10

var errKey = errors.New("this is no public key of minisign: it begins with RW, or is a file of two lines")

// ParseKey reads a public key: its 56 characters, or the file that has them in its second line.
func ParseKey(text string) (Key, error) {
	if len(text) > mostText {
		return Key{}, errKey
	}
	all := lines(text)
	if len(all) == 2 && strings.HasPrefix(all[0], untrusted) {
		all = all[1:]
	}
	if len(all) != 1 {
		return Key{}, errKey
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(all[0])
	if err != nil || len(raw) != 2+8+ed25519.PublicKeySize || string(raw[:2]) != "Ed" {
		return Key{}, errKey
	}
	k := Key{public: slices.Clone(raw[10:])}
	copy(k.id[:], raw[2:])
	return k, nil
}

// ParseKeys reads the keys of a list that is separated by blanks or commas: more than one
// while an old one is being replaced.
func ParseKeys(list string) (all []Key, err error) {
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' }) {
		k, err := ParseKey(text)
		if err != nil {
			return nil, fmt.Errorf("%.60q: %w", text, err)
		}
		all = append(all, k)
	}
	return all, nil
}

// String is the key as ParseKey reads it.
func (k Key) String() string {
	return base64.StdEncoding.EncodeToString(slices.Concat([]byte("Ed"), k.id[:], k.public))
}

// ID is the number that minisign shows for the key.
func (k Key) ID() string { return idText(k.id) }

func idText(id [8]byte) string { return fmt.Sprintf("%X", binary.LittleEndian.Uint64(id[:])) }

// lines are the lines of a text, without what ends them and without empty ones at its end.
func lines(text string) []string {
	all := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	for i := range all {
		all[i] = strings.TrimSuffix(all[i], "\r")
	}
	return all
}
