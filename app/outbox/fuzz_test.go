package outbox

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzRow: whatever stands in the table, a row is refused with a word for its
// column, or is one that the queue can take.
func FuzzRow(f *testing.F) {
	f.Add("one", "test.do", []byte(`{}`), "mail", int64(5), int64(1800000000000), "k", byte(0))
	f.Add("", "", []byte{0}, "", int64(-101), int64(-1), "\xff", byte(255))
	f.Fuzz(func(t *testing.T, id, kind string, args []byte, queue string, priority, at int64, key string, types byte) {
		v := values{id, kind, args, queue, nil, priority, at, key}
		for i := range v {
			switch {
			case types&(1<<i) == 0:
			case types&1 == 0:
				v[i] = nil
			default:
				v[i] = []byte(id)
			}
		}
		r, err := v.parse()
		if err != nil {
			if fault, ok := err.(*RowError); !ok || fault.Column == "" || fault.Reason == "" {
				t.Errorf("%#v", err)
			}
			return
		}
		if r.ID == "" || len(r.ID) > maxID || r.Kind == "" || !utf8.ValidString(r.ID+r.Kind+r.Queue+r.Endpoint+r.Key) || !json.Valid(r.Args) || len(r.Args) > maxArgs ||
			r.Priority < -9 || r.Priority > 9 || !r.RunAt.IsZero() && (r.RunAt.Year() < 1973 || r.RunAt.Year() > 9999) {
			t.Errorf("%+v passes", r)
		}
		other := r
		other.Key += "x"
		if !bytes.Equal(r.Fingerprint(), r.Fingerprint()) || bytes.Equal(r.Fingerprint(), other.Fingerprint()) {
			t.Error("the fingerprint tells nothing")
		}
	})
}
