package flags

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"seaworthy/app/web"
)

// tickets let a page listen for changes: browsers' EventSource sends no headers, so
// that what shows who asks stands in the address. It tells nothing but that
// something changed, and is in no log, which have the pattern of a route and not
// its address.
type tickets struct{ key []byte }

// ticket is what one says: whose it is and when it stops working.
type ticket struct {
	of     string // eight bytes that are the same for the same key or person
	person bool
	until  time.Time
}

// ticketSpan is for how long a ticket is handed out. It works for one span more.
const ticketSpan = 4 * time.Hour

// A ticket is the number of its span, whose it is, 1 for a person's, and the
// beginning of a HMAC over these.
const (
	ticketOf   = 8
	ticketKind = ticketOf + 8
	ticketMAC  = ticketKind + 1
	ticketSize = ticketMAC + 16
)

// stream is the address of the event stream, with a ticket of a time.
func (t tickets) stream(now time.Time, id web.Identity) string {
	who := sha256.Sum256([]byte(id.Actor()))
	b := binary.BigEndian.AppendUint64(make([]byte, 0, ticketSize), span(now))
	b = append(b, who[:ticketKind-ticketOf]...)
	if id.Person() {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return ofrepEvents + "?token=" + base64.RawURLEncoding.EncodeToString(append(b, t.mac(b)...))
}

func span(now time.Time) uint64 { return uint64(now.Unix()) / uint64(ticketSpan/time.Second) }

func (t tickets) mac(b []byte) []byte {
	mac := hmac.New(sha256.New, t.key)
	mac.Write(b)
	return mac.Sum(nil)[:ticketSize-ticketMAC]
}

// read reads a ticket; not ok for one that does not work.
func (t tickets) read(text string, now time.Time) (out ticket, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != ticketSize || !hmac.Equal(b[ticketMAC:], t.mac(b[:ticketMAC])) {
		return ticket{}, false
	}
	n := binary.BigEndian.Uint64(b)
	if n != span(now) && n != span(now)-1 {
		return ticket{}, false
	}
	return ticket{of: string(b[ticketOf:ticketKind]), person: b[ticketKind] == 1, until: time.Unix(int64((n+2)*uint64(ticketSpan/time.Second)), 0)}, true
}
