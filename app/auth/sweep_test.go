package auth_test

import (
	"testing"
	"time"

	"seaworthy/app/apptest"
)

// Sessions that ended long ago go; the last one of each user says when he was here, and
// one that an impersonation hung off outlives that.
func TestOldSessionsAreSwept(t *testing.T) {
	t.Parallel()
	a, op, _, id := support(t)
	for range 3 {
		signIn(a, "ada@example.com", phone)
		a.Clock.Advance(time.Hour)
	}
	op.Post("/-/confirm", "password", apptest.Password).Want(200)
	actAs(op, id).Want(200)
	a.RunJobs()
	seen := a.Query(`SELECT max(last_seen_at) FROM auth_session WHERE user_id = ? AND impersonator_id IS NULL`, id)
	count := func(want int) {
		t.Helper()
		a.Must(a.Auth.SweepSessions(t.Context()))
		if n := a.Count("auth_session"); n != want {
			t.Errorf("%d sessions, want %d", n, want)
		}
	}
	a.Clock.Advance(30*24*time.Hour + 89*24*time.Hour)
	count(6)
	a.Clock.Advance(2 * 24 * time.Hour)
	count(3) // of Ada the last, and that in which somebody acted as her; of Grace her own
	signIn(a, "ada@example.com", phone)
	if now := a.Query(`SELECT min(last_seen_at) FROM auth_session WHERE user_id = ? AND impersonator_id IS NULL`, id); now != seen {
		t.Errorf("she was seen at %s, and not at %s", now, seen)
	}
	count(2) // Ada is here now, so both of hers are of no more use; Grace was never here again
	signIn(a, "grace@example.com", phone)
	count(2)
}
