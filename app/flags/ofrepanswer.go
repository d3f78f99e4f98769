package flags

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/flags/rule"
)

// answer is a bulk answer while it is made.
type answer struct {
	raw   []byte
	given []counted // what it hands out
}

// fill writes what flags say, up to the end of their list.
func (a *answer) fill(all iter.Seq[rule.Result]) (err error) {
	a.raw, a.given = append(a.raw[:0], `{"flags":[`...), a.given[:0]
	for r := range all {
		if len(a.given) > 0 {
			a.raw = append(a.raw, ',')
		}
		if a.raw, err = r.AppendJSON(a.raw); err != nil {
			return err
		}
		a.given = append(a.given, counted{key: r.Key, variant: r.Variant, bulk: true})
	}
	a.raw = append(a.raw, ']')
	return nil
}

// end is the whole of it, with the address of the stream that tells of changes.
func (a *answer) end(stream string) []byte {
	a.raw = append(a.raw, `,"eventStreams":[{"type":"sse","url":`...)
	a.raw, _ = jsontext.AppendQuote(a.raw, stream)
	a.raw = append(a.raw, `,"inactivityDelaySec":120}]}`...)
	return a.raw
}

// answers keeps the memory of answers that were given for those to come.
type answers struct{ pool sync.Pool }

// maxKept is the largest answer whose memory is kept, in bytes.
const maxKept = 256 << 10

func (p *answers) take() *answer {
	if a, ok := p.pool.Get().(*answer); ok {
		return a
	}
	return new(answer)
}

func (p *answers) give(a *answer) {
	if cap(a.raw) <= maxKept {
		p.pool.Put(a)
	}
}

// reply writes JSON that is ready.
func reply(w http.ResponseWriter, status int, raw []byte) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(raw) // who does not take it has gone
	return nil
}

// digestOf is an ETag of what a client has, and of the stream that it hears of changes by.
func digestOf(flags []byte, stream string) string {
	h := sha256.New()
	h.Write(flags)
	io.WriteString(h, stream)
	return `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18]) + `"`
}

// matches reports whether If-None-Match names a tag (RFC 9110 section 13.1.2).
func matches(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimSpace(t); strings.TrimPrefix(t, "W/") == tag || t == "*" {
			return true
		}
	}
	return false
}
