package jobs

import (
	"strings"
	"testing"
	"time"
)

// FuzzBatch: what is taken is bounded, and what is given to the queue is JSON.
func FuzzBatch(f *testing.F) {
	f.Add([]byte(`[{"kind":"a","args":{"a":1}},{"kind":"b"}]`), false)
	f.Add([]byte("{\"kind\":\"a\"}\n\n{\"kind\":\"b\",\"delay_seconds\":5}"), true)
	f.Add([]byte(`[{"kind":"a","unique":{"key":"k"}}] `), false)
	f.Add([]byte(`[[[[`), false)
	f.Fuzz(func(t *testing.T, raw []byte, lines bool) {
		kind := "application/json"
		if lines {
			kind = ndjson
		}
		all, err := items(raw, kind)
		if err != nil {
			return
		}
		jobs, err := checkBatch(all, "", time.Now())
		if err != nil {
			return
		}
		if len(jobs) == 0 || len(jobs) > maxBatch {
			t.Fatalf("%d jobs", len(jobs))
		}
		for _, j := range jobs {
			if !j.Args.IsValid() || !kindForm.MatchString(j.Kind) || strings.ContainsAny(j.Kind, "\r\n ") || len(j.fingerprint) != 32 {
				t.Errorf("%+v", j)
			}
		}
	})
}

// FuzzRetryAfter: whatever an endpoint asks for is within bounds.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "120", "-1", "1e9", "99999999999999999999", "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", " 5 "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, ok := retryAfter(text, time.Now()); ok && (d < shortestRetry || d > longestRetry) || !ok && d != 0 {
			t.Errorf("%q: %v, %v", text, d, ok)
		}
	})
}

func TestFingerprints(t *testing.T) {
	t.Parallel()
	same := func(a, b string) bool { return string(fingerprint([]byte(a))) == string(fingerprint([]byte(b))) }
	for _, c := range []struct {
		a, b string
		same bool
	}{{`{"a":1,"b":2}`, ` { "b" : 2, "a" : 1 }`, true}, {`"\u00e9"`, `"é"`, true}, {`{"a":[1,2]}`, `{"a":[2,1]}`, false}, {`1.0`, `1`, false},
		{`9007199254740993`, `9007199254740992`, false}, {"{}\n{}", "{}\n{}\n", false}} {
		if same(c.a, c.b) != c.same {
			t.Errorf("%s and %s: same is %v", c.a, c.b, !c.same)
		}
	}
	raw := []byte(`{"b":1,"a":2}`)
	if fingerprint(raw); string(raw) != `{"b":1,"a":2}` {
		t.Error("the request was changed")
	}
}

func TestRests(t *testing.T) {
	t.Parallel()
	for trips, want := range map[int]time.Duration{1: 30 * time.Second, 2: time.Minute, 5: 8 * time.Minute, 6: longestRest, 1000: longestRest} {
		if got := rest(trips); got != want {
			t.Errorf("%d: %v", trips, got)
		}
	}
}
