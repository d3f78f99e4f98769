package observe

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"seaworthy/app/observe/sentry"
)

// FuzzForwardable: whatever an item holds, what goes on is one line of JSON behind a head that tells
// its length, without what stands behind a telling name.
func FuzzForwardable(f *testing.F) {
	for _, seed := range []string{`{"password":"hunter2hunter2"}`, `[["token","hunter2hunter2"]]`, `{"a":{"secret":{"value":"hunter2hunter2","type":"string"}}}`, `{"key":"cookie","value":"hunter2hunter2"}`, `"x"`, `{"query_string":"code=hunter2hunter2"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		out, ok := forwardable(sentry.Item{Type: "event", Payload: payload})
		if !ok {
			return
		}
		head, rest, _ := strings.Cut(string(out), "\n")
		body := strings.TrimSuffix(rest, "\n")
		var h struct{ Length int }
		if json.Unmarshal([]byte(head), &h) != nil || h.Length != len(body) || !json.Valid([]byte(body)) || strings.Contains(body, "\n") {
			t.Errorf("%q becomes %q", payload, out)
		}
		var o map[string]any
		if json.Unmarshal(payload, &o) == nil {
			if secret, ok := o["password"].(string); ok && len(secret) > 9 && strings.Count(string(payload), secret) == 1 && strings.Contains(body, secret) {
				t.Errorf("%q becomes %q", payload, out)
			}
		}
	})
}

func TestRateLimitsAreRead(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_764_392_400_000)
	l := limits{}
	if !l.heed([]string{"60:error;default:project:quota, 2.5:transaction;span:key, 2700::organization:x", "nonsense, -1:a, 1e99:monitor"}, now) {
		t.Error("nothing is read")
	}
	for category, until := range map[string]time.Duration{"error": time.Minute, "default": time.Minute, "span": 2500 * time.Millisecond, "": 45 * time.Minute, "monitor": longestLimit} {
		if got := l[category].Sub(now); got != until {
			t.Errorf("%s for %v, want %v", category, got, until)
		}
	}
	if !l.hold("feedback", now) || l.hold("", now) || l.hold("feedback", now.Add(time.Hour)) {
		t.Error("what is for all does not count for all")
	}
}

func FuzzRateLimits(f *testing.F) {
	f.Add("60:error;default:project:quota, 60:transaction;span:key")
	f.Add("NaN:a,::::,inf:b")
	f.Fuzz(func(t *testing.T, header string) {
		now := time.UnixMilli(1_764_392_400_000)
		l := limits{}
		l.heed([]string{header}, now)
		if len(l) > mostLimits {
			t.Errorf("%d categories", len(l))
		}
		for category, until := range l {
			if until.Before(now) || until.After(now.Add(longestLimit)) {
				t.Errorf("%q until %v", category, until)
			}
		}
	})
}

// What waits for one place is bounded in bytes too.
func TestForwardQueueIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	s := New(Options{Folder: t.TempDir()})
	defer s.Close()
	p := s.newShipper("forward", "application/x-sentry-envelope", Place{URL: "http://127.0.0.1:1"})
	p.most = mostForward
	for range 10 {
		p.add(make([]byte, 4<<20))
	}
	if d := s.Dropped(); p.waiting.Load() != mostQueued || d[Drop{"forward", "queue_full"}] != 6 {
		t.Errorf("%d bytes wait, %v", p.waiting.Load(), d)
	}
}
