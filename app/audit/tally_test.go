package audit_test

import (
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/store"
)

// Every event counts once: before it is tallied, after it, and when the tally runs again, in more slices
// than one; those of hours that are long over are given up.
func TestTally(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	begin := a.Clock.Now()
	record(t, a, 300, "")
	a.Clock.Advance(3 * time.Hour)
	check := func(when string, since time.Time, signedIn int64) {
		t.Helper()
		err := a.DB.Read(t.Context(), func(tx *store.Tx) error {
			hours, err := audit.Hours(tx, since, "", "session.created", "never.happened")
			if err != nil {
				return err
			}
			if n := hours["session.created"].Since(since); n != signedIn {
				t.Errorf("%s: %d signed in, want %d", when, n, signedIn)
			}
			all, err := audit.List(tx, audit.Filter{From: since.Truncate(time.Hour), Limit: 20_000})
			if n := hours[""].Since(since); err != nil || n != int64(len(all)) {
				t.Errorf("%s: %d in all, want %d (%v)", when, n, len(all), err)
			}
			if n := hours["never.happened"].Since(since); n != 0 {
				t.Errorf("%s: %d of what never happened", when, n)
			}
			return nil
		})
		a.Must(err)
	}
	check("before the tally", begin, 300)
	a.Must(a.Audit.Tally(t.Context()))
	check("after it", begin, 300)
	check("of the last hours", begin.Add(2*time.Hour), 0)
	record(t, a, 40, "")
	check("with a rest", begin, 340)
	record(t, a, 5100, "")
	a.Must(a.Audit.Tally(t.Context()))
	a.Must(a.Audit.Tally(t.Context()))
	check("in two slices, twice", begin, 5440)
	check("since the second hour", begin.Add(2*time.Hour), 5140)
	a.Clock.Advance(100 * 24 * time.Hour)
	record(t, a, 20, "")
	a.Must(a.Audit.Tally(t.Context()))
	if rows := a.Query(`SELECT count(DISTINCT hour) FROM audit_hour`); rows != "1" {
		t.Errorf("%s hours are kept, want the last one alone", rows)
	}
}
