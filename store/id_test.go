package store

import (
	"strings"
	"testing"
	"time"
)

func TestIDsRiseAndTellTheirTime(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_800_000_000_123).UTC()
	now := at
	db := openTest(t, Options{Clock: func() time.Time { return now }})
	last := ""
	for i := range 10_000 {
		if i == 5000 {
			now = now.Add(-time.Hour) // a clock that steps back must not reorder ids
		}
		id := db.NewID("usr")
		if id <= last || len(id) != 30 {
			t.Fatalf("%q after %q", id, last)
		}
		last = id
	}
	if got, ok := IDTime(last); !ok || got.Sub(at) > 5*time.Millisecond || got.Before(at) {
		t.Errorf("time %v of an id made at %v", got, at)
	}
	for _, bad := range []string{"", "usr_", "usr_" + strings.Repeat("!", 26), "usr_" + strings.Repeat("0", 26)} {
		if _, ok := IDTime(bad); ok {
			t.Errorf("%q passes for an id", bad)
		}
	}
}
