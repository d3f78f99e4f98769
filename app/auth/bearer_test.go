package auth_test

import (
	"context"
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
	"seaworthy/queue"
	"seaworthy/store"
)

// seen is what a request's handler knows of who asks.
type seen struct {
	User        string   `json:"user"`
	Key         string   `json:"key"`
	Org         web.Org  `json:"org"`
	Acting      string   `json:"acting"` // Identity.Org
	Permissions []string `json:"permissions"`
}

type ping struct{}

func (ping) Kind() string { return "test.ping" }

// withRoutes adds routes in an org and others that need somebody.
func withRoutes(_ *config.Config, o *app.Options) {
	o.Extend = func(a *app.App) app.Extension {
		tell := func(w http.ResponseWriter, r *http.Request) error {
			o := web.OriginOf(r.Context())
			return web.JSON(w, 200, seen{o.Identity.User, o.Identity.Key, o.Org, o.Identity.Org, o.Identity.Permissions})
		}
		work := func(w http.ResponseWriter, r *http.Request) error {
			err := a.DB.Write(r.Context(), func(tx *store.Tx) error {
				_, err := queue.Enqueue(tx, ping{})
				return err
			})
			if err != nil {
				return err
			}
			return tell(w, r)
		}
		flash := func(w http.ResponseWriter, r *http.Request) error {
			a.Auth.Sessions().Put(r.Context(), "flash", "done")
			return tell(w, r)
		}
		return app.Extension{
			Jobs: func(q *queue.Queue) { queue.Handle(q, func(context.Context, queue.Job[ping]) error { return nil }) },
			Routes: []web.Route{
				{Method: "GET", Pattern: "/-/test/{slug}/audit", Access: web.InOrg("org:audit"), Handler: tell},
				{Method: "GET", Pattern: "/-/api/v1/test/{org}/audit", Access: web.InOrg("org:audit"), Handler: tell},
				{Method: "GET", Pattern: "/-/api/v1/test/{org}", Access: web.InOrg("org:read"), Handler: tell},
				{Method: "POST", Pattern: "/-/api/v1/test/{org}/work", Access: web.InOrg("org:read"), Handler: work, Exempt: "a test"},
				{Method: "POST", Pattern: "/-/api/v1/test/work", Access: web.Permission("jobs:write"), Handler: work, Exempt: "a test"},
				{Method: "POST", Pattern: "/-/api/v1/test/flash", Access: web.SignedIn, Handler: flash, Exempt: "a test"},
				{Method: "GET", Pattern: "/-/api/v1/test/limited", Access: web.SignedIn, Handler: tell, Limit: web.Limit{Every: time.Minute, Burst: 1, By: web.ByUser}},
			},
		}
	}
}

func TestKeyIsWhoAsks(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	k, secret, err := a.Auth.MakeKey(t.Context(), auth.NewKey{Name: "deploy", Permissions: []string{"jobs:write"}, Expires: apptest.Epoch.Add(time.Hour)})
	a.Must(err)
	program := a.Bearer(secret)
	want := fmt.Sprintf(`{"key":{"id":"%s","name":"deploy","expires_at":"2026-11-22T15:05:00Z"},"org_id":"","permissions":["jobs:write"]}`, k.ID)
	if p := program.Get("/-/api/v1/me").Want(200); strings.TrimSpace(p.Body) != want {
		t.Errorf("got  %s\nwant %s", p.Body, want)
	}
	for _, scheme := range []string{"bearer ", "BEARER ", "Bearer  "} {
		program.Header.Set("Authorization", scheme+secret)
		program.Get("/-/api/v1/me").Want(200)
	}
	a.Forget()
	program.PostJSON("/-/api/v1/test/work", struct{}{}).Want(200)
	a.Expect(apptest.Happened{Jobs: []string{"test.ping"}})
	if meta := a.Query(`SELECT meta FROM queue_job ORDER BY id DESC LIMIT 1`); !strings.Contains(meta, `"key:`+k.ID+`"`) {
		t.Errorf("the job's cause: %s", meta)
	}

	p := program.Get("/-/admin") // a page: still a program that asks
	p.WantProblem(403, "forbidden")
	if got := p.Header.Get("WWW-Authenticate"); got != `Bearer error="insufficient_scope", scope="console:read"` {
		t.Errorf("WWW-Authenticate: %s", got)
	}
	a.Key("console:read", "users:read").Get("/-/admin").Want(200, "Sign-ups")
}

func TestBearersThatDoNotWork(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	operator := a.Operator("grace@example.com")
	a.SignUp("ada@example.com")
	org := a.PersonalOrg("ada@example.com")
	secret := func(n auth.NewKey) (id, secret string) {
		n.Name, n.Permissions = "ci", []string{"org:read"}
		k, secret, err := a.Auth.MakeKey(t.Context(), n)
		a.Must(err)
		return k.ID, secret
	}
	id, revoked := secret(auth.NewKey{})
	_, expired := secret(auth.NewKey{Expires: apptest.Epoch.Add(time.Minute)})
	_, ofDeleted := secret(auth.NewKey{Org: org})
	service, ofService := secret(auth.NewKey{})
	_, alive := secret(auth.NewKey{})
	for _, works := range []string{revoked, expired, ofDeleted, ofService, alive} {
		a.Bearer(works).Get("/-/api/v1/me").Want(200)
	}
	a.Must(a.Auth.RevokeKey(t.Context(), "", id))
	a.Clock.Advance(time.Minute) // at its end it has ended
	write(a, `UPDATE auth_org SET deleted_at = 1 WHERE id = ?`, org)
	write(a, `UPDATE auth_api_key SET principal_kind = 'service' WHERE id = ?`, service) // which nothing here makes
	a.Forget()

	for name, bearer := range map[string]string{"revoked": revoked, "expired": expired, "of a deleted org": ofDeleted, "of a service": ofService,
		"unknown": "sw_op_0000000000000000000000000000000000000000", "short": "sw_", "cut": alive[:len(alive)-1], "longer": alive + "0",
		"upper case": strings.ToUpper(alive), "foreign": "letmein", "none": "", "two": alive + " " + alive, "huge": "sw_" + strings.Repeat("x", 10_000),
		"an id": id, "a cookie": operator.Cookie("seaworthy_session"), "quoted": `"` + alive + `"`} {
		// Beside the cookie of an operator, to whom all of this is open.
		for _, b := range []*apptest.Browser{a.Bearer(bearer), operator} {
			b.Header.Set("Authorization", "Bearer "+bearer)
			for _, path := range []string{"/-/api/v1/me", "/-/admin", "/-/account", "/-/api/v1/test/" + org} {
				p := b.Get(path)
				p.WantProblem(401, "bad_token")
				if got := p.Header.Get("WWW-Authenticate"); got != `Bearer error="invalid_token"` || p.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s, %s: %v", name, path, p.Header)
				}
			}
		}
	}
	a.ExpectNothing()
	if strings.Contains(a.Logs(), "request failed") {
		t.Errorf("a client's mistakes are logged as ours:\n%s", a.Logs())
	}
	// A token of ours that does not work is told so everywhere; a foreign one may
	// mean something to a route that needs nobody.
	a.Bearer(revoked).Get("/-/healthz").WantProblem(401, "bad_token")
	a.Bearer("letmein").Get("/-/healthz").Want(200)
	a.Bearer(alive).Get("/-/healthz").Want(200)
	operator.Header.Del("Authorization")
	operator.Get("/-/admin").Want(200)
	if p := a.Browser().Get("/-/api/v1/me"); p.Header.Get("WWW-Authenticate") != "Bearer" { // nothing shown: no error to name
		t.Errorf("WWW-Authenticate: %q", p.Header.Get("WWW-Authenticate"))
	}
}

func TestBearerDecidesBesideACookie(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	operator := a.Operator("grace@example.com")
	_, secret, err := a.Auth.MakeKey(t.Context(), auth.NewKey{Name: "weak", Permissions: []string{"jobs:write"}})
	a.Must(err)
	operator.Get("/-/admin").Want(200)
	a.Clock.Advance(2 * time.Minute)
	operator.Header.Set("Authorization", "Bearer "+secret)
	operator.Get("/-/admin").WantProblem(403, "forbidden")
	operator.Get("/-/api/v1/me").Want(200, `"name":"weak"`).Without("grace@example.com", "session_id")
	// What a handler leaves in the session goes nowhere.
	if p := operator.PostJSON("/-/api/v1/test/flash", struct{}{}).Want(200); p.Header.Get("Set-Cookie") != "" {
		t.Errorf("cookies: %v", p.Header.Values("Set-Cookie"))
	}
	if data := a.Query(`SELECT coalesce(scs_data, '') FROM auth_session`); data != "" {
		t.Errorf("the session's data: %s", data)
	}
	a.Must(a.Auth.Flush(t.Context()))
	if seen := a.Query(`SELECT last_seen_at FROM auth_session`); seen != fmt.Sprint(apptest.Epoch.UnixMilli()) {
		t.Errorf("the session was used: %s", seen)
	}
	// A bearer is no pass for another site's page.
	operator.Header.Set("Sec-Fetch-Site", "cross-site")
	operator.Do("POST", "/-/api/v1/test/work", "application/json", "{}").WantProblem(403, "cross_origin")
}

func TestBearerGetsNoSessionAndNoCookie(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	setup, err := a.Auth.SetupLink(t.Context())
	a.Must(err)
	b.Post("/-/forgot", "email", "ada@example.com").Want(200)
	a.RunJobs()
	reset := apptest.Token(a.Link("ada@example.com", "/-/reset"))
	cookie := b.Cookie("seaworthy_session")
	for _, program := range []*apptest.Browser{a.Key("*"), a.Bearer("letmein")} {
		program.SetCookie("seaworthy_session", cookie)
		a.Forget()
		for _, path := range []string{"/", "/-/login", "/-/signup", "/-/nowhere", "/-/healthz"} {
			if p := program.Get(path); p.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s sets a cookie", path)
			}
		}
		for _, p := range []apptest.Page{
			program.PostJSON("/-/api/v1/signup", map[string]string{"name": "B", "email": "bea@example.com", "password": apptest.Password}),
			program.Post("/-/signup", "name", "B", "email", "bea@example.com", "password", apptest.Password),
			program.Post("/-/login", "email", "ada@example.com", "password", apptest.Password),
			program.Post("/-/setup", "token", apptest.Token(setup), "name", "M", "email", "m@example.com", "password", apptest.Password),
			program.Post("/-/reset", "token", reset, "password", "a brand new password"),
			program.Post("/-/logout"),
		} {
			if p.Status != 403 || p.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s: status %d, cookies %v\n%s", p.Path, p.Status, p.Header.Values("Set-Cookie"), p.Text())
			}
		}
		a.ExpectNothing()
	}
	b.Get("/-/account").Want(200) // still signed in
}

func TestPlacesOfPeopleRefuseKeys(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	program := a.Key("*")
	a.Forget()
	program.Get("/-/account").WantProblem(403, "person_only")
	program.Post("/-/verify/resend").WantProblem(403, "person_only")
	program.Get("/").Want(200).Without("Signed in as")
	a.ExpectNothing()
	a.Browser().Get("/-/account").Want(200, "Sign in") // whoever is not signed in is led there
}

func TestKeysInUseAreNotedOnceAMinute(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	person := a.Verified("ada@example.com")
	program := a.Key("*")
	used := func() string { return a.Query(`SELECT coalesce(last_used_at, 0) FROM auth_api_key`) }
	use := func(want int) {
		t.Helper()
		writes := a.DB.Stats().Writes
		for range 20 {
			program.Get("/-/api/v1/me").Want(200)
			person.Get("/-/api/v1/me").Want(200)
		}
		if n := a.DB.Stats().Writes - writes; n != 0 {
			t.Errorf("%d writes by the requests themselves", n)
		}
		a.Must(a.Auth.Flush(t.Context()))
		if n := int(a.DB.Stats().Writes - writes); n != want {
			t.Errorf("%d writes, want %d", n, want)
		}
	}
	a.Forget()
	use(1) // the first use
	a.Clock.Advance(59 * time.Second)
	use(0)
	if used() != fmt.Sprint(apptest.Epoch.UnixMilli()) {
		t.Errorf("used at %s", used())
	}
	a.Clock.Advance(time.Second)
	use(1) // key and session in one
	if used() != fmt.Sprint(apptest.Epoch.Add(time.Minute).UnixMilli()) {
		t.Errorf("used at %s", used())
	}
	a.ExpectNothing()
}

func TestKeysHaveTheirOwnAllowance(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, withRoutes)
	for range 2 {
		program := a.Key("*")
		program.Get("/-/api/v1/test/limited").Want(200)
		program.Get("/-/api/v1/test/limited").WantProblem(429, "too_many_requests")
	}
}
