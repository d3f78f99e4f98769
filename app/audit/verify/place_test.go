package verify

import "testing"

// What is read by looking at few bytes is what is read as JSON.
func TestPlaceOf(t *testing.T) {
	t.Parallel()
	for _, entry := range seeds {
		fast, ok := placeOf([]byte(entry))
		slow, ok2 := slowPlace([]byte(entry))
		if ok2 && (fast != slow || !ok) {
			t.Errorf("%s: %+v %v, as JSON %+v", entry, fast, ok, slow)
		}
	}
}

var seeds = []string{
	`{"v":2,"id":"evt_1","ts":1,"action":"a.b","actor":{"type":"user","id":"u"},"org":"org_a","org_seq":7,"nonce":"x"}`,
	`{"v":2,"id":"evt_1","ts":1,"action":"a.b","actor":{"type":"user","id":"u"},"nonce":"x"}`,
	`{"v":2,"id":"evt_1","ts":1,"action":"a.b","actor":{"type":"user","id":"a\"b"},"org":"org_a","org_seq":7,"nonce":"x"}`,
	`{"v":2,"id":"evt_1","ts":1,"action":"a.b","actor":{"type":"user","id":"u"},"org":"o\u003c","org_seq":7,"nonce":"x"}`,
	`{"v":1,"id":"evt_1","ts":1,"action":"a.b","actor":{"type":"user","id":"u"},"targets":[],"org":"org_a","org_seq":7,"nonce":"x"}`,
	`{"v":2,"id":"evt_1","ts":1,"action":"a.b","actor":{"type":"user","id":"u"},"details":{"org":"org_x","org_seq":1},"nonce":"x"}`,
	`{"v":2,"id":"evt_1"`, ``, `null`,
}

func FuzzPlaceOf(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, entry []byte) { placeOf(entry) })
}
