package auth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

// guess tries a password from an address, as a browser that is known nowhere.
func guessFrom(a *apptest.App, ip, email, password string) apptest.Page {
	a.T.Helper()
	b := a.Browser()
	b.Header.Set("X-Forwarded-For", ip)
	return b.PostJSON("/-/api/v1/login", map[string]string{"email": email, "password": password})
}

// Attack 18: a made-up header is another address to nobody, unless a trusted proxy says so.
func TestAttack18RotatingForwardedFor(t *testing.T) {
	t.Parallel()
	for trusted, want := range map[bool]int{false: 20, true: 60} { // twenty a minute from one address
		a := apptest.New(t, func(c *config.Config, _ *app.Options) {
			if trusted {
				c.TrustedProxies = apptest.Loopback
			}
		})
		answered := 0
		for i := range 60 {
			if p := guessFrom(a, fmt.Sprintf("203.%d.113.9", i), fmt.Sprintf("u%d@example.com", i), "not the password"); p.Status == 401 {
				answered++
			} else if p.Status != 429 || p.Header.Get("Retry-After") == "" {
				t.Fatalf("%d %s", p.Status, p.Body)
			}
		}
		if answered != want {
			t.Errorf("trusted %v: %d tries were answered, want %d", trusted, answered, want)
		}
	}
	// What a client writes itself stands left of what the proxy adds.
	a := apptest.New(t, behindProxy)
	answered := 0
	for i := range 60 {
		if guessFrom(a, fmt.Sprintf("198.51.%d.7, 203.0.113.9", i), fmt.Sprintf("u%d@example.com", i), "not the password").Status == 401 {
			answered++
		}
	}
	if answered != 20 {
		t.Errorf("%d tries were answered behind a proxy", answered)
	}
}

// Attack 19: all spellings of an address are one, or none.
func TestAttack19SpellingsOfAnAddress(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, behindProxy)
	spellings := []string{"john@müller.example", "JOHN@MÜLLER.EXAMPLE", " John@xn--mller-kva.example ", "jOhN@Müller.example", "john@mu\u0308ller.example"}
	for i := range 10 {
		if p := guessFrom(a, fmt.Sprintf("203.%d.113.9", i), spellings[i%len(spellings)], "not the password"); p.Status != 401 {
			t.Fatalf("%q: %d", spellings[i%len(spellings)], p.Status)
		}
	}
	for i, s := range spellings {
		if p := guessFrom(a, fmt.Sprintf("198.%d.100.9", i), s, "not the password"); p.Status != 429 {
			t.Errorf("%q is another bucket: %d", s, p.Status)
		}
	}
	before := a.Auth.Hasher.Computed()
	for _, s := range []string{"jo\u200bhn@müller.example", "john＠müller.example", "john@müller.example\u202e", "john\x00@müller.example", "<john@müller.example>", "john@müller.example."} {
		if p := guessFrom(a, "192.0.2.1", s, "not the password"); p.Status != 401 && p.Status != 400 {
			t.Errorf("%q: %d", s, p.Status)
		}
		a.Browser().PostJSON("/-/api/v1/signup", map[string]string{"name": "J", "email": s, "password": apptest.Password}).Want(map[bool]int{true: 400, false: 422}[strings.Contains(s, "\x00")])
	}
	if n := a.Auth.Hasher.Computed() - before; n != 0 {
		t.Errorf("%d hashes for addresses that are none", n)
	}
}

// An account that is guessed at from everywhere is locked for longer and longer,
// known or not; its owner's own device is never kept out by that.
func TestAccountsAreLockedButForTheirDevices(t *testing.T) {
	t.Parallel()
	var waits [2][]string
	for i, email := range []string{"ada@example.com", "nobody@example.com"} {
		a := apptest.New(t, behindProxy)
		owner := a.Verified("ada@example.com")
		owner.Post("/-/logout").Want(200)
		for n := range 16 {
			p := guessFrom(a, fmt.Sprintf("203.%d.113.9", n), email, "not the password")
			if n < 10 && p.Status != 401 {
				t.Fatalf("%s, try %d: %d", email, n, p.Status)
			}
			if n >= 9 {
				blocked := guessFrom(a, fmt.Sprintf("203.%d.113.10", n), email, apptest.Password)
				if blocked.Status != 429 {
					t.Fatalf("%s, after try %d: %d", email, n, blocked.Status)
				}
				waits[i] = append(waits[i], blocked.Header.Get("Retry-After"))
				owner.Post("/-/login", "email", "ada@example.com", "password", "mistyped once").Want(401)
				a.Clock.Advance(time.Hour - time.Second) // it does not forget yet
			}
		}
		owner.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
	}
	want := "[60 120 240 480 960 1920 3600]"
	if fmt.Sprint(waits[0]) != want || fmt.Sprint(waits[1]) != want {
		t.Errorf("an account waits %v, one that is not there %v", waits[0], waits[1])
	}
}

// A lock is still there after a restart.
func TestLocksSurviveARestart(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, behindProxy)
	for n := range 10 {
		guessFrom(a, fmt.Sprintf("203.%d.113.9", n), "ada@example.com", "not the password").Want(401)
	}
	writes := a.DB.Stats().Writes
	a.Must(a.Auth.Flush(t.Context()))
	if n := a.DB.Stats().Writes - writes; n != 1 {
		t.Errorf("%d writes for ten failures", n)
	}
	if held := a.Query(`SELECT group_concat(hex(key)) FROM auth_throttle`); held == "" || a.Count("auth_throttle") != 11 {
		t.Errorf("%d rows", a.Count("auth_throttle"))
	}
	a.Auth.ForgetThrottle()
	guessFrom(a, "198.51.100.1", "bea@example.com", "not the password").Want(401)
	a.Must(a.Auth.Open(t.Context()))
	a.Auth.ForgetLimits()
	if p := guessFrom(a, "198.51.100.2", "ada@example.com", "not the password"); p.Status != 429 {
		t.Errorf("after a restart: %d", p.Status)
	}
	a.Clock.Advance(3 * time.Hour)
	guessFrom(a, "198.51.100.3", "ada@example.com", "not the password").Want(401)
	a.Must(a.Auth.Flush(t.Context()))
	if n := a.Count("auth_throttle"); n != 2 {
		t.Errorf("%d rows, the old ones stay", n)
	}
}

// One password for many accounts from one network slows the network down.
func TestSprayingIsSlowed(t *testing.T) {
	t.Parallel()
	for name, addr := range map[string]func(i int) string{
		"a /24": func(i int) string { return fmt.Sprintf("203.0.113.%d", i) },
		"a /64": func(i int) string { return fmt.Sprintf("2001:db8:1:2::%x", i+1) },
	} {
		a := apptest.New(t, behindProxy)
		a.Verified("ada@example.com")
		owner := a.Browser() // known, and in the same network
		owner.Header.Set("X-Forwarded-For", addr(200))
		owner.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
		a.RunJobs()
		a.Forget()
		for i := range 21 {
			guessFrom(a, addr(i), fmt.Sprintf("u%d@example.com", i), "Spring morning 2026").Want(401)
			a.Clock.Advance(20 * time.Second)
		}
		if e := a.Events(2); e[0].Action != "session.guessing_slowed" || fmt.Sprint(e[0].Details["accounts"]) != "21" {
			t.Errorf("%s: event %+v", name, e[0])
		}
		slowed := guessFrom(a, addr(99), "ada@example.com", apptest.Password)
		slowed.WantProblem(429, "too_many_requests")
		if got := slowed.Header.Get("Retry-After"); got != "40" {
			t.Errorf("%s: Retry-After %s", name, got)
		}
		owner.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200) // on his own device
		guessFrom(a, "198.51.100.1", "bea@example.com", "Spring morning 2026").Want(401)           // elsewhere
		// A try a minute is left, so that somebody real gets in.
		a.Clock.Advance(time.Minute)
		guessFrom(a, addr(99), "u99@example.com", "Spring morning 2026").Want(401)
		guessFrom(a, addr(98), "u98@example.com", "Spring morning 2026").Want(429)
		spoken := 0
		for _, e := range a.Events(100) {
			if e.Action == "session.guessing_slowed" {
				spoken++
			}
		}
		if spoken != 1 {
			t.Errorf("%s: told %d times", name, spoken)
		}
	}
}

// Somebody who can claim an address cannot buy guesses at its owner's password
// with his own.
func TestOnesOwnClaimBuysNoGuesses(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, behindProxy)
	a.Verified("ada@example.com")
	a.Clock.Advance(time.Hour)
	mallory := a.Browser()
	mallory.Post("/-/signup", "name", "Mallory", "email", "ada@example.com", "password", "mallory has his own").Want(200)
	answered := 0
	for i := range 40 {
		mallory.Header.Set("X-Forwarded-For", fmt.Sprintf("203.%d.113.9", i))
		switch p := mallory.PostJSON("/-/api/v1/login", map[string]string{"email": "ada@example.com", "password": "guess after guess"}); p.Status {
		case 401:
			answered++
		case 429:
		default:
			t.Fatalf("%d", p.Status)
		}
		if i%5 == 4 {
			mallory.PostJSON("/-/api/v1/login", map[string]string{"email": "ada@example.com", "password": "mallory has his own"})
		}
		a.Clock.Advance(10 * time.Second)
	}
	if answered > 14 {
		t.Errorf("%d guesses were answered", answered)
	}
}

func TestMailsAreBoundedPerAddress(t *testing.T) {
	t.Parallel()
	for _, email := range []string{"ada@example.com", "nobody@example.com"} {
		a := apptest.New(t, behindProxy)
		a.Verified("ada@example.com")
		a.Clock.Advance(10 * time.Minute) // that was one, too
		sent := 0
		for i := range 20 {
			b := a.Browser()
			b.Header.Set("X-Forwarded-For", fmt.Sprintf("203.%d.113.9", i))
			path := []string{"/-/login/email", "/-/forgot"}[i%2]
			switch p := b.Post(path, "email", email); p.Status {
			case 200:
				sent++
			case 429:
				if !strings.Contains(p.Text(), "Too many attempts") {
					t.Errorf("%s", p.Text())
				}
			default:
				t.Fatalf("%d", p.Status)
			}
		}
		if sent != 6 {
			t.Errorf("%d mails to %s were asked for", sent, email)
		}
	}
	// One address cannot have mails sent to everybody.
	fromOneAddress(t)
}

// However a mail can be had, one mailbox gets no more of them.
func TestNoWayToFillAMailbox(t *testing.T) {
	t.Parallel()
	const mailbox = "victim@example.com"
	bounded := func(name string, a *apptest.App, ask func(i int) apptest.Page) {
		t.Helper()
		a.Clock.Advance(2 * time.Hour)
		sent := 0
		for i := range 12 {
			switch p := ask(i); p.Status {
			case 200, 201, 202:
				sent++
			case 429:
			default:
				t.Fatalf("%s: %d %s", name, p.Status, p.Text())
			}
		}
		if sent != 6 {
			t.Errorf("%s: %d mails were asked for", name, sent)
		}
	}
	from := func(a *apptest.App, b *apptest.Browser, i int) *apptest.Browser {
		b.Header.Set("X-Forwarded-For", fmt.Sprintf("203.%d.113.9", i))
		return b
	}
	a := apptest.New(t, behindProxy)
	bounded("sign-up", a, func(i int) apptest.Page {
		return from(a, a.Browser(), i).Post("/-/signup", "name", "Mallory", "email", mailbox, "password", apptest.Password)
	})
	claim := apptest.New(t, behindProxy)
	mallory := claim.SignUp(mailbox)
	bounded("verification", claim, func(i int) apptest.Page { return from(claim, mallory, i).Post("/-/verify/resend") })
	other := apptest.New(t, behindProxy)
	var many []*apptest.Browser
	for i := range 12 {
		b := from(other, other.Browser(), i)
		b.Post("/-/signup", "name", "M", "email", fmt.Sprintf("m%d@example.com", i), "password", apptest.Password).Want(200)
		many = append(many, b)
	}
	bounded("change of address", other, func(i int) apptest.Page {
		many[i].PostJSON("/-/api/v1/confirm", map[string]string{"password": apptest.Password}).Want(204)
		return many[i].PostJSON("/-/api/v1/me/email", map[string]string{"email": mailbox})
	})
}

// fromOneAddress asks for mails to many mailboxes from one place.
func fromOneAddress(t *testing.T) {
	t.Helper()
	a := apptest.New(t)
	sent := 0
	for i := range 60 {
		if a.Browser().PostJSON("/-/api/v1/login/email", map[string]string{"email": fmt.Sprintf("u%d@example.com", i)}).Status == 202 {
			sent++
		}
		a.Clock.Advance(12 * time.Second)
	}
	if sent < 30 || sent > 37 {
		t.Errorf("%d mails from one address in twelve minutes", sent)
	}
}

// Benchmark of what a refused sign-in costs, for the gap between a known and an
// unknown address (spec/auth.md section 6: below 2 % in the median).
func BenchmarkKnownAndUnknown(b *testing.B) {
	a := apptest.New(b, apptest.WithoutLimits)
	a.Verified("ada@example.com")
	for _, email := range []string{"ada@example.com", "nobody@example.com"} {
		b.Run(email, func(b *testing.B) {
			for b.Loop() {
				r := httptest.NewRequest("POST", a.URL+"/-/api/v1/login", strings.NewReader(`{"email":"`+email+`","password":"not the password"}`))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				if a.Web.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
