package auth_test

import (
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

func TestAttack25StateBelongsToOneBrowserProviderAndUse(t *testing.T) {
	t.Parallel()
	a, p := issuers(t, "acme", "other")
	b, mallory := a.Browser(), a.Browser()
	there := back(t, a, p[0], leave(t, b, "/-/login/acme"), victim)
	leave(t, mallory, "/-/login/acme") // has a cookie of his own
	code := func(path string) (code, state string) {
		u, err := url.Parse(path)
		a.Must(err)
		return u.Query().Get("code"), u.Query().Get("state")
	}
	c, s := code(there)
	a.Forget()
	const dead = "This sign-in cannot go on"
	a.Browser().Get(there).Want(400, dead)                                                  // a browser that never went
	mallory.Get(there).Want(400, dead)                                                      // another browser
	b.Get(strings.Replace(there, "/acme/", "/other/", 1)).Want(400, dead)                   // another provider
	b.Get("/-/login/acme/callback?code="+c+"&state="+s+"x").Want(400, dead)                 // an invented state
	b.Get("/-/login/acme/callback?code="+c).Want(400, dead)                                 // none
	b.Get("/-/login/acme/callback?state="+s).Want(400, "Something went wrong at Acme")      // no code
	b.Get("/-/login/acme/callback?error=server_error&state="+s).Want(400, "Something went") // an error there
	b.Get("/-/login/acme/callback?error=access_denied&state="+s).Want(403, "You did not go on with Acme")
	b.Get("/-/login/acme/callback?error=access_denied").Want(400, dead)
	b.Get("/-/login/nobody/callback?state=" + s).Want(404)
	a.ExpectNothing()

	b.Get(there).Want(200) // and it was not spoilt by any of that
	a.Forget()
	b.Get(there).Want(400, dead)
	a.Clock.Advance(30 * time.Second)
	b.Get(there).Want(400, dead)
	a.ExpectNothing()

	// An answer that names another issuer (RFC 9207), and one that comes too late.
	there = back(t, a, p[0], leave(t, b, "/-/login/acme"), victim)
	b.Get(there+"&iss="+url.QueryEscape(p[1].Issuer)).Want(400, "Something went wrong")
	there = back(t, a, p[0], leave(t, b, "/-/login/acme"), victim)
	a.Clock.Advance(11 * time.Minute)
	b.Get(there).Want(400, dead)
}

// A link that was begun in one session ends in no other, or whoever is lured
// there would open his account to somebody else.
func TestAttack25LinkBelongsToOneSession(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified(ada.Email)
	there := back(t, a, a.StandIn, leave(t, b, "/-/account/security/identities/standin/link"), grace)
	b.Post("/-/logout").Want(200)
	a.Forget()
	b.Get(there).Want(400, "This sign-in cannot go on")
	a.ExpectNothing()
	b.Post("/-/login", "email", ada.Email, "password", apptest.Password).Want(200)
	a.Forget()
	b.Get(there).Want(400, "This sign-in cannot go on")
	a.Bearer("x").Post("/-/login/standin").Want(403)
	a.ExpectNothing()
}

func TestAttack25ParallelCallbacksGiveOneSession(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Browser()
	there := back(t, a, a.StandIn, leave(t, b, "/-/login/standin"), ada)
	var in, out atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			switch b.Get(there).Status {
			case 200:
				in.Add(1)
			case 400:
				out.Add(1)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 || out.Load() != 19 || a.Count("auth_session") != 1 || a.Count("auth_user") != 1 {
		t.Errorf("%d signed in, %d refused, %d sessions, %d users", in.Load(), out.Load(), a.Count("auth_session"), a.Count("auth_user"))
	}
}
