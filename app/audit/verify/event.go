package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"seaworthy/app/audit/merkle"
	"seaworthy/store"
)

// event is a row as it is checked; the byte slices are the driver's and change
// with the next row.
type event struct {
	seq, ts, orgSeq                 int64
	id, org, actor, action, request string
	body, leaf                      []byte
}

// check says what is wrong with an event, "" when nothing is. given are the
// disclosures that are kept for it.
func (e *event) check(given []string) string {
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
		sum := sha256.Sum256([]byte(item))
		if !bytes.Contains(e.body, []byte(`"`+base64.RawURLEncoding.EncodeToString(sum[:])+`"`)) {
			return "personal data of it is not what was recorded"
		}
	}
	return ""
}

// columns compares what stands beside the body with the body. Bodies of today
// begin with exactly that, so that comparing text is enough; others are read.
func (e *event) columns() string {
	if prefix, plain := e.prefix(); plain {
		rest, ok := bytes.CutPrefix(e.body, prefix)
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
	}{{"id", b.ID == e.id}, {"ts", b.Time == e.ts}, {"org", b.Org == e.org}, {"org_seq", b.OrgSeq == e.orgSeq},
		{"actor", b.Actor.Type+":"+b.Actor.ID == e.actor}, {"action", b.Action == e.action}, {"request_id", b.Request == e.request}} {
		if !c.same {
			return "its column " + c.name + " is not what was recorded"
		}
	}
	return ""
}

// prefix is how the body begins if the columns are true. plain is false when
// that takes more than writing them down.
func (e *event) prefix() (prefix []byte, plain bool) {
	kind, id, _ := strings.Cut(e.actor, ":")
	for _, s := range []string{e.id, e.action, kind, id, e.org, e.request} {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r) }) {
			return nil, false
		}
	}
	b := make([]byte, 0, 256)
	b = append(b, `{"v":2,"id":"`...)
	b = append(b, e.id...)
	b = append(b, `","ts":`...)
	b = strconv.AppendInt(b, e.ts, 10)
	b = append(b, `,"action":"`...)
	b = append(b, e.action...)
	b = append(b, `","actor":{"type":"`...)
	b = append(b, kind...)
	b = append(b, `","id":"`...)
	b = append(b, id...)
	b = append(b, `"}`...)
	if e.org != "" {
		b = append(b, `,"org":"`...)
		b = append(b, e.org...)
		b = append(b, `","org_seq":`...)
		b = strconv.AppendInt(b, e.orgSeq, 10)
	}
	if e.request != "" {
		b = append(b, `,"request_id":"`...)
		b = append(b, e.request...)
		b = append(b, '"')
	}
	return b, true
}

// selectDisclosures are the disclosures of a span of events, by seq.
func selectDisclosures(tx *store.Tx, from, to int64) (map[int64][]string, error) {
	rows, err := tx.Query(`SELECT seq, items FROM audit_disclosure WHERE seq >= ? AND seq <= ? ORDER BY seq`, from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int64][]string{}
	for rows.Next() {
		var seq int64
		var text []byte
		if err := rows.Scan(&seq, &text); err != nil {
			return nil, err
		}
		var items []string
		if json.Unmarshal(text, &items) != nil {
			return nil, wrong(seq, "its personal data cannot be read")
		}
		all[seq] = append(all[seq], items...)
	}
	return all, rows.Err()
}
