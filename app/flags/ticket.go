package flags

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// tickets let a page listen for changes: browsers' EventSource sends no headers, so
// that what shows who asks stands in the address. It tells nothing but that
// something changed, and is in no log, which have the pattern of a route and not
// its address.
type tickets struct{ key []byte }

// ticketSpan is for how long a ticket is handed out. It works for one span more.
const ticketSpan = 4 * time.Hour

// stream is the address of the event stream, with the ticket of a time.
func (t tickets) stream(now time.Time) string { return ofrepEvents + "?token=" + t.of(span(now)) }

func span(now time.Time) uint64 { return uint64(now.Unix()) / uint64(ticketSpan/time.Second) }

func (t tickets) of(span uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], span)
	mac := hmac.New(sha256.New, t.key)
	mac.Write(b[:])
	return base64.RawURLEncoding.EncodeToString(append(b[:], mac.Sum(nil)[:16]...))
}

// until is when a ticket stops working; zero for one that does not work.
func (t tickets) until(ticket string, now time.Time) time.Time {
	for _, n := range []uint64{span(now), span(now) - 1} {
		if hmac.Equal([]byte(t.of(n)), []byte(ticket)) {
			return time.Unix(int64((n+2)*uint64(ticketSpan/time.Second)), 0)
		}
	}
	return time.Time{}
}
