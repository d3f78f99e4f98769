package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/web"
)

const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"

// signIn signs somebody in with a new browser of a kind.
func signIn(a *apptest.App, email, userAgent string) *apptest.Browser {
	a.T.Helper()
	b := a.Browser()
	b.UserAgent = userAgent
	b.Post("/-/login", "email", email, "password", apptest.Password).Want(200)
	return b
}

// devices is the list of sessions in the API.
type devices struct {
	Sessions []struct {
		ID, Kind, Device, IP, Place string
		Current                     bool
		Created                     time.Time `json:"created_at"`
		FirstSeen                   time.Time `json:"first_seen_at"`
		LastSeen                    time.Time `json:"last_seen_at"`
		Expires                     time.Time `json:"expires_at"`
	}
	Next string `json:"next_cursor"`
}

// current is the id of the session that asks.
func current(b *apptest.Browser) string {
	b.T.Helper()
	var me struct {
		Session string `json:"session_id"`
	}
	b.Get("/-/api/v1/me").Want(200).JSON(&me)
	return me.Session
}

func signedOut(t *testing.T, all ...*apptest.Browser) {
	t.Helper()
	for _, b := range all {
		if p := b.Get("/-/api/v1/me"); p.Status != 401 {
			t.Errorf("still signed in: %d", p.Status)
		}
	}
}

func TestNewDeviceIsToldByMail(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	first := a.Verified("ada@example.com") // the first device: no mail
	a.Forget()
	b := signIn(a, "ada@example.com", phone)
	a.Expect(apptest.Happened{Audit: []string{"session.created"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Ran: []string{"email.deliver completed"}, Mails: []string{"ada@example.com: New sign-in to Acme"}})
	if m := a.Mails("ada@example.com")[0]; !strings.Contains(m.Text, "Safari on iOS") || !strings.Contains(m.Text, "127.0.0.1") || !strings.Contains(m.Text, "/-/account/sessions") {
		t.Errorf("the mail:\n%s", m.Text)
	}
	// Known devices are not told again, also after signing out.
	for _, known := range []*apptest.Browser{b, first} {
		known.Post("/-/logout").Want(200)
		known.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
	}
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "session.created", "session.revoked", "session.created"}, Rows: map[string]int{"auth_session": 2}})
	// A browser that another person uses too is new for each of them.
	a.Verified("bea@example.com")
	a.Forget()
	b.Post("/-/login", "email", "bea@example.com", "password", apptest.Password).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked", "session.created"}, Jobs: []string{"email.deliver"}, Rows: map[string]int{"auth_session": 1, "auth_device": 1}})
	// A sign-in that fails tells nobody of anything.
	a.Browser().Post("/-/login", "email", "ada@example.com", "password", "not the password").Want(401)
	a.Expect(apptest.Happened{Audit: []string{"session.refused"}})
}

func TestDevicesOnTheAccountPage(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) {
		c.GeoIP = auth.PlacesFile(t, "203.0.113.0/24", map[string]any{"city": map[string]any{"names": map[string]any{"en": "Berlin"}}})
		c.TrustedProxies = apptest.Loopback
	})
	laptop := a.Verified("ada@example.com")
	a.Verified("bea@example.com")
	a.Clock.Advance(3 * time.Hour)
	mobile := a.Browser()
	mobile.UserAgent = phone
	mobile.Header.Set("X-Forwarded-For", "203.0.113.9")
	mobile.Post("/-/login", "email", "ada@example.com", "password", apptest.Password).Want(200)
	laptop.Get("/-/account/sessions").Want(200, "Firefox on Linux", "This device", "127.0.0.1", "first seen 3 hours ago",
		"Safari on iOS", "Berlin · 203.0.113.9", "Last seen now", "Sign out everywhere else")

	// The place is shown and not kept.
	if kept := a.Query(`SELECT group_concat(s.ip || s.ua || d.label) FROM auth_session s JOIN auth_device d ON d.id = s.device_id`); strings.Contains(kept, "Berlin") {
		t.Errorf("kept: %s", kept)
	}
	a.Forget()
	laptop.Post("/-/account/sessions/revoke", "which", "one", "session", current(mobile)).Want(200, "That device is signed out.").Without("Safari on iOS")
	a.Expect(apptest.Happened{Audit: []string{"session.revoked"}})
	signedOut(t, mobile)

	tablet, work := signIn(a, "ada@example.com", phone), signIn(a, "ada@example.com", "")
	laptop.Post("/-/account/sessions/revoke", "which", "others").Want(200, "Every other device is signed out.").Without("Sign out everywhere")
	signedOut(t, tablet, work)
	again := signIn(a, "ada@example.com", phone)
	p := laptop.Post("/-/account/sessions/revoke", "which", "all").Want(200, "You are signed out")
	if p.Path != "/-/login?notice=out" || laptop.Cookie("seaworthy_session") != "" {
		t.Errorf("led to %s, cookie %q", p.Path, laptop.Cookie("seaworthy_session"))
	}
	signedOut(t, laptop, again)
}

func TestDevicesOfOthersAreOutOfReach(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	ada, mallory := a.Verified("ada@example.com"), a.Verified("mallory@example.com")
	victim := current(ada)
	a.Forget()
	mallory.Post("/-/account/sessions/revoke", "which", "one", "session", victim).Want(200)
	mallory.Do("DELETE", "/-/api/v1/sessions/"+victim, "", "").WantProblem(404, "not_found")
	mallory.Do("DELETE", "/-/api/v1/sessions/ses_", "", "").WantProblem(404, "not_found")
	mallory.Post("/-/account/sessions/revoke", "which", "everybody").Want(400)
	mallory.Do("DELETE", "/-/api/v1/sessions", "", "").WantProblem(422, "invalid", "which")
	mallory.Do("DELETE", "/-/api/v1/sessions?which=one", "", "").WantProblem(422, "invalid", "which")
	a.ExpectNothing()
	mallory.Do("DELETE", "/-/api/v1/sessions?which=others", "", "").Want(200, `{"revoked":0}`)
	mallory.Do("DELETE", "/-/api/v1/sessions", "application/json", `{"which":"all"}`).Want(200, `{"revoked":1}`)
	a.Expect(apptest.Happened{Audit: []string{"session.revoked"}})
	ada.Get("/-/api/v1/me").Want(200)
	signedOut(t, mallory)
	for _, path := range []string{"/-/api/v1/sessions", "/-/api/v1/sessions/" + victim} {
		a.Browser().Do("DELETE", path, "", "").WantProblem(401, "signed_out")
		a.Key("*").Do("DELETE", path, "", "").WantProblem(403, "person_only")
	}
}

func TestSessionsAPI(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	a.Verified("bea@example.com")
	for i := range 4 {
		a.Clock.Advance(time.Hour)
		signIn(a, "ada@example.com", fmt.Sprintf("curl/8.%d", i))
	}
	var all []string
	var list devices
	for cursor := ""; ; cursor = list.Next {
		list = devices{}
		b.Get("/-/api/v1/sessions?limit=2&cursor=" + cursor).Want(200).JSON(&list)
		for _, s := range list.Sessions {
			all = append(all, fmt.Sprint(s.Device, s.Current))
		}
		if list.Next == "" {
			break
		}
	}
	if got := strings.Join(all, " "); got != "curlfalse curlfalse curlfalse curlfalse Firefox on Linuxtrue" {
		t.Errorf("sessions: %s", got)
	}
	last := list.Sessions[len(list.Sessions)-1]
	if last.Kind != "browser" || !last.Created.Equal(apptest.Epoch) || !last.FirstSeen.Equal(apptest.Epoch) || !last.Expires.Equal(apptest.Epoch.Add(7*24*time.Hour)) {
		t.Errorf("%+v", last)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "cursor=ses_"} {
		b.Get("/-/api/v1/sessions?"+query).WantProblem(422, "invalid", query[:strings.IndexByte(query, '=')])
	}
	b.Do("DELETE", "/-/api/v1/sessions/"+last.ID, "", "").Want(204)
	signedOut(t, b)
}

// A sign-in that was revoked while a request of its own ran stays revoked, and
// so does one whose use is noted late.
func TestRevokedDuringASlowRequest(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	a := apptest.New(t, apptest.WithoutLimits, func(_ *config.Config, o *app.Options) {
		o.Extend = func(a *app.App) app.Extension {
			return app.Extension{Routes: []web.Route{{Method: "GET", Pattern: "/-/test/slow", Access: web.Person, Handler: func(w http.ResponseWriter, r *http.Request) error {
				a.Auth.Sessions().Put(r.Context(), "flash", "late")
				arrived <- struct{}{}
				<-release
				return web.JSON(w, 200, "done")
			}}}}
		}
	})
	slow := a.Verified("ada@example.com")
	other := signIn(a, "ada@example.com", phone)
	a.Clock.Advance(2 * time.Minute) // its use is to be noted
	done := make(chan apptest.Page)
	go func() { done <- slow.Get("/-/test/slow") }()
	<-arrived
	other.Post("/-/account/sessions/revoke", "which", "others").Want(200)
	close(release)
	(<-done).Want(200)
	a.Must(a.Auth.Flush(t.Context()))
	signedOut(t, slow)
	if n := a.Query(`SELECT count(*) FROM auth_session WHERE revoked_at IS NOT NULL AND scs_data IS NULL`); n != "1" {
		t.Errorf("%s revoked sessions without data", n)
	}
}

func TestRaisedEpochEndsEverySession(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b, other := a.Verified("ada@example.com"), a.Verified("bea@example.com")
	write(a, `UPDATE auth_user SET epoch = epoch + 1 WHERE id = (SELECT user_id FROM auth_email WHERE email_norm = ?)`, "ada@example.com")
	signedOut(t, b)
	other.Get("/-/api/v1/me").Want(200)
	signIn(a, "ada@example.com", phone).Get("/-/api/v1/me").Want(200)
}

func TestPlacesThatCannotBeReadAreRefusedAtStart(t *testing.T) {
	t.Parallel()
	cfg := config.Config{Addr: "127.0.0.1:0", Data: t.TempDir(), Replica: "off", Brand: "Acme", LogLevel: "error", GeoIP: "/nonexistent.mmdb"}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	_, err := app.New(t.Context(), cfg, app.Options{})
	var fault *config.FaultError
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), "SEAWORTHY_GEOIP") {
		t.Errorf("got %v", err)
	}
}
