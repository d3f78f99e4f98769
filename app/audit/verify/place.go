package verify

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// place is what an entry says of where it stands.
type place struct {
	org    string
	orgSeq int64
}

// placeOf reads an entry's org and its number there. Entries of today begin with
// id, ts, action, actor, org and org_seq, so that few bytes are looked at; others,
// and those with escapes so early, are read as JSON.
func placeOf(entry []byte) (p place, ok bool) {
	rest := entry
	for _, part := range [...]struct {
		before string
		number bool
	}{{`{"v":2,"id":"`, false}, {`","ts":`, true}, {`,"action":"`, false}, {`","actor":{"type":"`, false}, {`","id":"`, false}} {
		if rest, ok = bytes.CutPrefix(rest, []byte(part.before)); !ok {
			return slowPlace(entry)
		}
		end := bytes.IndexAny(rest, `"\`)
		if part.number {
			end = bytes.IndexByte(rest, ',')
		}
		if end < 0 || rest[end] == '\\' {
			return slowPlace(entry)
		}
		rest = rest[end:]
	}
	if rest, ok = bytes.CutPrefix(rest, []byte(`"}`)); !ok {
		return slowPlace(entry)
	}
	org, ok := bytes.CutPrefix(rest, []byte(`,"org":"`))
	if !ok {
		return place{}, bytes.HasPrefix(rest, []byte(`,"`))
	}
	end := bytes.IndexAny(org, `"\`)
	number, ok := bytes.CutPrefix(org[max(end, 0):], []byte(`","org_seq":`))
	stop := bytes.IndexByte(number, ',')
	if end < 0 || !ok || stop < 0 {
		return slowPlace(entry)
	}
	p.orgSeq, _ = strconv.ParseInt(string(number[:stop]), 10, 64) // what is no number is no next one
	p.org = string(org[:end])
	return p, true
}

func slowPlace(entry []byte) (place, bool) {
	var b struct {
		Org    string `json:"org"`
		OrgSeq int64  `json:"org_seq"`
	}
	err := json.Unmarshal(entry, &b)
	return place{b.Org, b.OrgSeq}, err == nil
}

// firstSeq is where a later origin says that it begins, in its first entry.
func firstSeq(entry []byte) int64 {
	var b struct {
		Details struct {
			First int64 `json:"first_seq"`
		} `json:"details"`
	}
	if json.Unmarshal(entry, &b) != nil {
		return 0
	}
	return b.Details.First
}
