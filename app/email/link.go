package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"

	"seaworthy/app/web"
	"seaworthy/store"
)

// A link to unsubscribe has to work for years, without signing in, from a mail that
// anybody may hold, so it carries all it needs: whose (a hash of the address), of
// what, from which message, and under which key it is signed. Nothing in it can be
// read by who has no key, and it can do no more than change which mail one address
// gets.
type link struct {
	use     byte
	key     uint64
	hash    []byte // of the address, 32 bytes
	ref     string // a message, or the entry of the consent log that asks
	subject string // category
}

// The uses of links: one never does for another.
const (
	useUnsubscribe byte = 'u'
	useConfirm     byte = 'c'
)

const (
	linkVersion = 1
	linkMAC     = 16 // bytes of the HMAC-SHA256 that are kept
	maxLink     = 400
)

var errBadLink = &web.Error{Status: 400, Code: "bad_link",
	Public: "This link is not complete, or was changed on the way. Open it again from the mail, or copy all of it."}

// linkKey is the secret of a signing key.
func (s *System) linkKey(id uint64) []byte {
	return s.Keys.Derive("email/link/" + strconv.FormatUint(id, 10))
}

func (s *System) sign(l link) string {
	b := []byte{linkVersion, l.use}
	b = binary.AppendUvarint(b, l.key)
	b = append(b, l.hash...)
	b = append(b, byte(len(l.ref)))
	b = append(b, l.ref...)
	b = append(b, byte(len(l.subject)))
	b = append(b, l.subject...)
	mac := hmac.New(sha256.New, s.linkKey(l.key))
	mac.Write(b)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(b)[:len(b)+linkMAC])
}

// openLink verifies a link. Every key there ever was verifies: its secret follows from
// the master key.
func (s *System) openLink(token string, use byte) (link, error) {
	l, signed, sum, err := parseLink(token)
	if err != nil || l.use != use {
		return link{}, errBadLink
	}
	mac := hmac.New(sha256.New, s.linkKey(l.key))
	mac.Write(signed)
	if !hmac.Equal(mac.Sum(nil)[:linkMAC], sum) {
		return link{}, errBadLink
	}
	return l, nil
}

var errNoLink = errors.New("not a link")

// parseLink takes a link apart, before it is known to be one of ours.
func parseLink(token string) (l link, signed, sum []byte, err error) {
	if len(token) > maxLink {
		return l, nil, nil, errNoLink
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < 2+1+sha256.Size+2+linkMAC || b[0] != linkVersion {
		return l, nil, nil, errNoLink
	}
	signed, sum = b[:len(b)-linkMAC], b[len(b)-linkMAC:]
	l.use = b[1]
	rest := signed[2:]
	id, n := binary.Uvarint(rest)
	if n <= 0 || len(rest) < n+sha256.Size+2 {
		return l, nil, nil, errNoLink
	}
	l.key, l.hash, rest = id, rest[n:n+sha256.Size], rest[n+sha256.Size:]
	for _, into := range []*string{&l.ref, &l.subject} {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return l, nil, nil, errNoLink
		}
		*into, rest = string(rest[1:1+int(rest[0])]), rest[1+int(rest[0]):]
	}
	if len(rest) != 0 {
		return l, nil, nil, errNoLink
	}
	return l, signed, sum, nil
}

// newestKey is the key that signs; 1 until one was made.
func newestKey(tx *store.Tx) (id uint64, err error) {
	err = tx.QueryRow(`SELECT coalesce(max(id), 1) FROM email_link_key`).Scan(&id)
	return id, err
}

// rotateLinkKey makes a new signing key.
func rotateLinkKey(tx *store.Tx) (id uint64, err error) {
	if id, err = newestKey(tx); err != nil {
		return 0, err
	}
	id++
	_, err = tx.Exec(`INSERT INTO email_link_key (id, created_at, created_by) VALUES (?, ?, ?)`, id, tx.Now().UnixMilli(), web.IdentityOf(tx.Context()).Actor())
	return id, err
}
