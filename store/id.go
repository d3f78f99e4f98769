package store

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"sync"
	"time"
)

// idEncoding keeps the byte order of the UUID: ids sort as text in the order
// they were made. 16 bytes become 26 characters, lower case, without padding.
var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// ids hands out UUIDv7 values that rise within the process even when the clock
// stands still or steps back (RFC 9562 section 6.2, method 1: the 12 bits of
// rand_a are a counter).
type ids struct {
	mu    sync.Mutex
	ms    int64
	count uint16
}

func (g *ids) next(now time.Time) [16]byte {
	g.mu.Lock()
	ms := now.UnixMilli()
	if ms > g.ms {
		g.ms, g.count = ms, 0
	} else if g.count++; g.count > 0xfff {
		g.ms, g.count = g.ms+1, 0
	}
	ms, count := g.ms, g.count
	g.mu.Unlock()

	var u [16]byte
	rand.Read(u[8:])
	binary.BigEndian.PutUint64(u[:8], uint64(ms)<<16|0x7000|uint64(count))
	u[8] = u[8]&0x3f | 0x80
	return u
}

// NewID returns a new id with the given prefix, such as "usr_01j…": a UUIDv7 in
// 26 characters of base32 that rises with time within one process.
func (db *DB) NewID(prefix string) string { return db.newID(prefix, db.clock()) }

func (db *DB) newID(prefix string, now time.Time) string {
	u := db.ids.next(now)
	return prefix + "_" + idEncoding.EncodeToString(u[:])
}

// IDTime returns when an id made by NewID was made, to the millisecond, and
// whether the text is such an id.
func IDTime(id string) (time.Time, bool) {
	if len(id) < 27 || id[len(id)-27] != '_' {
		return time.Time{}, false
	}
	raw, err := idEncoding.DecodeString(id[len(id)-26:])
	if err != nil || len(raw) != 16 || raw[6]>>4 != 7 {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(raw[:8]) >> 16)).UTC(), true
}
