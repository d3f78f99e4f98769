package observe

import (
	"errors"
	"testing"
	"time"

	"seaworthy/store"
)

// An issue that is not seen for long goes with all that hangs off it.
func TestOldIssuesGoWhole(t *testing.T) {
	t.Parallel()
	s, h := withHand(t, t.TempDir())
	s.o.Release = "1.0"
	rows := func() (n [3]int) {
		t.Helper()
		if err := s.issues(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.QueryRow(`SELECT count(id) FROM observe_issue`).Scan(&n[0]), tx.QueryRow(`SELECT count(issue) FROM observe_issue_hour`).Scan(&n[1]),
				tx.QueryRow(`SELECT count(issue) FROM observe_issue_tag`).Scan(&n[2]))
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	s.Capture(t.Context(), errors.New("broken"))
	s.Flush()
	if got := rows(); got != [3]int{1, 1, 1} {
		t.Fatalf("%v", got)
	}
	h.advance(keepIssues + time.Hour)
	s.Count(invoices, time.Millisecond, false) // so that there is something to write
	s.Flush()
	if got := rows(); got != [3]int{} {
		t.Errorf("%v are left", got)
	}
}
