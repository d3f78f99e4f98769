package verify

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"strconv"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// event is a row as it is checked. The bytes are the driver's and change with the
// next row: a verification reads millions of them and keeps none.
type event struct {
	seq, ts, orgSeq                             int64
	id, org, actor, action, request, body, leaf sql.RawBytes

	begin []byte // scratch: how the body should begin
}

// check says what is wrong with an event, "" when nothing is. given are the
// disclosures that are kept for it.
func (e *event) check(given [][]byte) string {
	if len(e.leaf) != len(merkle.Hash{}) {
		return "its leaf is not 32 bytes"
	}
	if e.body == nil {
		if len(given) > 0 {
			return "its details were dropped, but personal data is still there"
		}
		return ""
	}
	if leaf := merkle.Leaf(e.body); !bytes.Equal(leaf[:], e.leaf) {
		return "its body is not the one that was recorded"
	}
	if what := e.columns(); what != "" {
		return what
	}
	for _, item := range given {
		if !disclosed(e.body, item) {
			return "personal data of it is not what was recorded"
		}
	}
	return ""
}

// disclosed reports whether a body holds the digest of a disclosure (RFC 9901
// section 4.2.3). Nobody finds another text with that digest.
func disclosed(body, item []byte) bool {
	sum := sha256.Sum256(item)
	var quoted [45]byte
	quoted[0], quoted[44] = '"', '"'
	base64.RawURLEncoding.Encode(quoted[1:44], sum[:])
	return bytes.Contains(body, quoted[:])
}

// columns compares what stands beside the body with the body. Bodies of today
// begin with exactly that, so that comparing text is enough; others are read.
func (e *event) columns() string {
	if e.prefix() {
		rest, ok := bytes.CutPrefix(e.body, e.begin)
		if ok && bytes.HasPrefix(rest, []byte(`,"`)) && !bytes.HasPrefix(rest, []byte(`,"org`)) && !bytes.HasPrefix(rest, []byte(`,"request_id"`)) {
			return ""
		}
	}
	var b struct {
		ID      string `json:"id"`
		Time    int64  `json:"ts"`
		Action  string `json:"action"`
		Org     string `json:"org"`
		OrgSeq  int64  `json:"org_seq"`
		Request string `json:"request_id"`
		Actor   struct{ Type, ID string }
	}
	if json.Unmarshal(e.body, &b) != nil {
		return "its body is no event"
	}
	for _, c := range []struct {
		name string
		same bool
	}{{"id", b.ID == string(e.id)}, {"ts", b.Time == e.ts}, {"org", b.Org == string(e.org)}, {"org_seq", b.OrgSeq == e.orgSeq},
		{"actor", b.Actor.Type+":"+b.Actor.ID == string(e.actor)}, {"action", b.Action == string(e.action)}, {"request_id", b.Request == string(e.request)}} {
		if !c.same {
			return "its column " + c.name + " is not what was recorded"
		}
	}
	return ""
}

// prefix writes down how the body begins if the columns are true. It reports
// false when that takes more than writing them down.
func (e *event) prefix() bool {
	kind, id, _ := bytes.Cut(e.actor, []byte{':'})
	b := append(e.begin[:0], `{"v":2,"id":"`...)
	plain := true
	text := func(s []byte) {
		for _, c := range s {
			plain = plain && c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
		}
		b = append(b, s...)
	}
	text(e.id)
	b = append(b, `","ts":`...)
	b = strconv.AppendInt(b, e.ts, 10)
	b = append(b, `,"action":"`...)
	text(e.action)
	b = append(b, `","actor":{"type":"`...)
	text(kind)
	b = append(b, `","id":"`...)
	text(id)
	b = append(b, `"}`...)
	if len(e.org) > 0 {
		b = append(b, `,"org":"`...)
		text(e.org)
		b = append(b, `","org_seq":`...)
		b = strconv.AppendInt(b, e.orgSeq, 10)
	}
	if len(e.request) > 0 {
		b = append(b, `,"request_id":"`...)
		text(e.request)
		b = append(b, '"')
	}
	e.begin = b
	return plain
}

// personal walks the disclosures of a span of events beside the events.
type personal struct {
	rows  *store.Rows
	seq   int64 // of items; past the span when there are no more
	items sql.RawBytes
	given [][]byte
}

func readPersonal(tx *store.Tx, from, to int64) (*personal, error) {
	rows, err := tx.Query(`SELECT seq, items FROM audit_disclosure WHERE seq >= ? AND seq <= ? ORDER BY seq`, from, to)
	if err != nil {
		return nil, err
	}
	p := &personal{rows: rows}
	return p, p.next()
}

func (p *personal) next() error {
	if !p.rows.Next() {
		p.seq = 1 << 62
		return p.rows.Err()
	}
	return p.rows.Scan(&p.seq, &p.items)
}

// of are the disclosures of the event with a seq, which must rise from call to
// call; they are valid until the next call.
func (p *personal) of(seq int64) ([][]byte, error) {
	p.given = p.given[:0]
	for p.seq <= seq {
		if p.seq < seq {
			return nil, wrong(p.seq, "there is personal data of it twice, or of no event")
		}
		items, ok := split(p.items)
		if !ok {
			return nil, wrong(seq, "its personal data cannot be read")
		}
		p.given = append(p.given, items...)
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	return p.given, nil
}

// split reads a JSON list of disclosures. They are base64url, so that nothing in
// it is escaped. The result is a copy.
func split(list []byte) ([][]byte, bool) {
	inner, ok := bytes.CutPrefix(list, []byte(`["`))
	inner, ok2 := bytes.CutSuffix(inner, []byte(`"]`))
	if !ok || !ok2 {
		return nil, string(list) == "[]"
	}
	items := bytes.Split(bytes.Clone(inner), []byte(`","`))
	for _, item := range items {
		if bytes.ContainsAny(item, `"\\`) {
			return nil, false
		}
	}
	return items, true
}
