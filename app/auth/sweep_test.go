package auth_test

import (
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/store"
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

// A device goes once no browser can have its cookie any more; the last one of each user stays,
// so that whoever comes back after years is told of a new one.
func TestOldDevicesAreSwept(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	for range 3 {
		a.Clock.Advance(time.Hour)
		signIn(a, "ada@example.com", phone)
	}
	last := a.Query(`SELECT id FROM auth_device ORDER BY last_seen_at DESC LIMIT 1`)
	count := func(want int) {
		t.Helper()
		a.Must(a.Auth.SweepSessions(t.Context()))
		a.Must(a.Auth.SweepDevices(t.Context()))
		if n := a.Count("auth_device"); n != want {
			t.Errorf("%d devices, want %d", n, want)
		}
	}
	a.Clock.Advance(399 * 24 * time.Hour)
	count(4)
	a.Clock.Advance(2 * 24 * time.Hour)
	count(1)
	if left := a.Query(`SELECT id FROM auth_device`); left != last {
		t.Errorf("%s is left, want %s", left, last)
	}
	a.RunJobs()
	a.Forget()
	signIn(a, "ada@example.com", phone)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"session.created", "email.sent"}, Jobs: []string{"email.deliver"}, Ran: []string{"email.deliver completed"},
		Mails: []string{"ada@example.com: New sign-in to Acme"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})
	count(1) // and the old one goes
	if left := a.Query(`SELECT id FROM auth_device`); left == last {
		t.Error("the device of long ago is left")
	}
}

// A device that a living session speaks of stays, however long ago its cookie was given.
func TestDeviceInUseIsNotSwept(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	ada := a.Verified("ada@example.com")
	a.Clock.Advance(time.Hour)
	signIn(a, "ada@example.com", phone)
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE auth_device SET last_seen_at = ?`, a.Clock.Now().Add(-500*24*time.Hour).UnixMilli())
		return err
	}))
	a.Must(a.Auth.SweepDevices(t.Context()))
	if n := a.Count("auth_device"); n != 2 {
		t.Errorf("%d devices, want 2", n)
	}
	ada.Get("/-/account/sessions").Want(200, "Safari on iOS")
}

// An invitation that ended goes after ninety days; one that waits for its answer stays.
func TestOldInvitationsAreSwept(t *testing.T) {
	t.Parallel()
	m := newTeam(t)
	accepted := m.invite("bea@example.com", "rol_member")
	m.invite("cy@example.com", "rol_member")
	m.invite("dee@example.com", "rol_member")
	m.a.Browser().Post(accepted, "name", "Bea", "password", apptest.Password).Want(200)
	withdrawn := m.a.Query(`SELECT id FROM auth_invitation WHERE email_norm = 'cy@example.com'`)
	m.owner.Do("DELETE", m.api+"/invitations/"+withdrawn, "", "").Want(204)
	count := func(want int) {
		t.Helper()
		m.a.Must(m.a.Auth.SweepInvitations(t.Context()))
		if n := m.a.Count("auth_invitation"); n != want {
			t.Errorf("%d invitations, want %d", n, want)
		}
	}
	m.a.Clock.Advance(89 * 24 * time.Hour)
	count(3)
	m.a.Browser().Get(accepted).Want(410, "has been used")
	m.a.Clock.Advance(2 * 24 * time.Hour)
	count(1)
	m.a.Browser().Get(accepted).Want(410)
	if left := m.a.Query(`SELECT email_norm FROM auth_invitation`); left != "dee@example.com" {
		t.Errorf("that of %s is left", left)
	}
}
