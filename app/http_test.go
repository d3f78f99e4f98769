package app_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/store"
)

func TestBadBodiesAreNamedAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Browser()
	const json, form = "application/json", "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		kind, body string
		status     int
		code       string
		fields     []string
	}{
		"too large":         {json, `{"name":"` + strings.Repeat("x", 70<<10) + `"}`, 413, "too_large", nil},
		"no content type":   {"", `{}`, 415, "unsupported_media_type", nil},
		"wrong type":        {"text/plain", `{}`, 415, "unsupported_media_type", nil},
		"wrong charset":     {json + "; charset=latin1", `{}`, 415, "unsupported_media_type", nil},
		"unknown field":     {json, `{"name":"A","admin":true}`, 400, "bad_field", []string{"admin"}},
		"duplicate key":     {json, `{"name":"A","name":"B"}`, 400, "bad_field", []string{"name"}},
		"other case":        {json, `{"Name":"A"}`, 400, "bad_field", []string{"Name"}},
		"wrong kind":        {json, `{"name":7}`, 400, "bad_field", []string{"name"}},
		"invalid UTF-8":     {json, "{\"name\":\"\xff\"}", 400, "malformed_json", nil},
		"two values":        {json, `{} {}`, 400, "malformed_json", nil},
		"truncated":         {json, `{"name":`, 400, "malformed_json", nil},
		"a list":            {json, `[]`, 400, "bad_field", []string{""}},
		"deep":              {json, `{"name":` + strings.Repeat("[", 20_000), 400, "malformed_json", nil},
		"form unknown":      {form, "name=A&admin=1", 400, "bad_field", []string{"admin"}},
		"form duplicate":    {form, "name=A&name=B", 400, "bad_field", []string{"name"}},
		"form bad encoding": {form, "name=%zz", 400, "malformed_form", nil},
		"form bad UTF-8":    {form, "name=%ff", 400, "bad_field", []string{"name"}},
		"form NUL":          {form, "name=a%00b", 400, "bad_field", []string{"name"}},
	} {
		t.Run(name, func(t *testing.T) {
			b.Do("POST", "/-/api/v1/signup", c.kind, c.body).WantProblem(c.status, c.code, c.fields...)
		})
	}
	a.ExpectNothing()
	if a.Logs() != "" {
		t.Errorf("a client's mistakes are logged as ours:\n%s", a.Logs())
	}
}

func TestErrorsHaveOneForm(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Browser()
	b.Get("/-/nowhere").Want(404, "There is nothing at this address", "req_")
	b.Get("/-/api/v1/nowhere").WantProblem(404, "not_found")
	p := b.Do("DELETE", "/-/signup", "", "").Want(405, "DELETE")
	if p.Header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("Allow: %q", p.Header.Get("Allow"))
	}
	b.Get("/-/api/v1/me").WantProblem(401, "signed_out")
}

func TestPanicIsContainedAndTold(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(_ *config.Config, o *app.Options) {
		o.Extend = func(a *app.App) app.Extension {
			return app.Extension{Routes: []web.Route{
				{Method: "GET", Pattern: "/-/boom", Access: web.Public, Handler: func(http.ResponseWriter, *http.Request) error { panic("secret detail") }},
				{Method: "GET", Pattern: "/-/fail", Access: web.Public, Handler: func(http.ResponseWriter, *http.Request) error { return errors.New("secret detail") }},
				{Method: "GET", Pattern: "/-/full", Access: web.Public, Handler: func(http.ResponseWriter, *http.Request) error { return store.ErrFull }},
				{Method: "GET", Pattern: "/-/txboom", Access: web.Public, Handler: func(_ http.ResponseWriter, r *http.Request) error {
					return a.DB.Write(r.Context(), func(*store.Tx) error { panic("secret detail") })
				}},
			}}
		}
	})
	b := a.Browser()
	for _, path := range []string{"/-/boom", "/-/fail", "/-/txboom"} {
		b.Get(path).Want(500, "Something went wrong on our side").Without("secret detail")
	}
	if p := b.Get("/-/full").Want(507, "disk is full"); p.Header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After: %q", p.Header.Get("Retry-After"))
	}
	if n := strings.Count(a.Logs(), "secret detail"); n < 3 {
		t.Errorf("the log has the cause %d times", n)
	}
	b.Get("/-/healthz").Want(200)
	a.SignUp("after@example.com") // the writer goes on
}

func TestHeadersOfEveryPage(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	for _, path := range []string{"/", "/-/login", "/-/nowhere", "/-/api/v1/me"} {
		h := a.Browser().Get(path).Header
		if !strings.Contains(h.Get("Content-Security-Policy"), "script-src 'self';") || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("X-Frame-Options") != "DENY" || h.Get("Cache-Control") != "no-store" || !strings.HasPrefix(h.Get("X-Request-Id"), "req_") {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestFilesAreServedWithoutLookingAtTheSession(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Verified("ada@example.com")
	css := regexp.MustCompile(`/-/assets/[0-9a-f]+/css/app\.css`).FindString(b.Get("/").Body)
	p := b.Get(css).Want(200)
	if p.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || p.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("headers: %v", p.Header)
	}
	b.Get("/-/assets/000000000000/css/app.css").Want(404)
	b.Do("POST", css, "text/plain", "").Want(404)
}

func TestPagesAreCompressed(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Browser()
	plain := b.Get("/-/signup").Want(200)
	b.Header.Set("Accept-Encoding", "gzip")
	p := b.Get("/-/signup")
	z, err := gzip.NewReader(strings.NewReader(p.Body))
	if err != nil || p.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v: %v", err, p.Header)
	}
	text, err := io.ReadAll(z)
	if err != nil || string(text) != plain.Body || len(p.Body) > len(plain.Body)*2/3 {
		t.Errorf("%d bytes for %d: %v", len(p.Body), len(plain.Body), err)
	}
	if small := b.Get("/-/healthz"); small.Header.Get("Content-Encoding") != "" {
		t.Error("two bytes are compressed")
	}
}

func TestProductionHasNoDevelopmentAids(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) {
		c.URL, c.SMTPURL = "https://app.example.com", "smtp://127.0.0.1:1"
	})
	b := a.Browser()
	b.Get("/-/dev/inbox").Want(404)
	p := b.Post("/-/signup", "name", "Ada", "email", "ada@example.com", "password", apptest.Password).Want(200)
	for _, c := range p.Header.Values("Set-Cookie") {
		if !strings.HasPrefix(c, "__Host-") || !strings.Contains(c, "; Secure") || !strings.Contains(c, "; HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
			t.Errorf("cookie: %s", c)
		}
	}
	if p.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
}

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	b := a.Browser()
	b.Get("/-/healthz").Want(200, "ok")
	var ready struct {
		Ready  bool              `json:"ready"`
		Checks map[string]string `json:"checks"`
	}
	b.Get("/-/readyz").Want(200).JSON(&ready)
	if !ready.Ready || ready.Checks["database"] != "writable" || ready.Checks["jobs"] != "flowing" {
		t.Errorf("%+v", ready)
	}
	a.SignUp("ada@example.com")
	b.Get("/-/metrics").Want(200, "seaworthy_store_writes_total", `seaworthy_http_request_seconds_count{route="POST /-/signup",status="2xx"} 1`, "seaworthy_queue_oldest_ready_seconds", `seaworthy_series_total{class="ours",name="POST /-/signup"} 1`, "seaworthy_sql_statements_total ")
	b.Header.Set("X-Forwarded-For", "203.0.113.9")
	b.Get("/-/metrics").Want(404)

	guarded := apptest.New(t, func(c *config.Config, _ *app.Options) { c.MetricsToken = "letmein" })
	g := guarded.Browser()
	g.Get("/-/metrics").Want(404)
	g.Header.Set("Authorization", "Bearer letmein")
	g.Get("/-/metrics").Want(200)
}

func TestFullDatabaseWritesNothingByHalves(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	b := a.Verified("ada@example.com")
	a.Forget()
	limit := func(pages string) {
		a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.SQL().Exec("PRAGMA max_page_count(" + pages + ")")
			return err
		}))
	}
	limit("1") // SQLite takes the present size as the least
	status := 0
	for i := 0; i < 400 && status != 507; i++ {
		p := a.Browser().PostJSON("/-/api/v1/signup", map[string]string{"name": strings.Repeat("n", 90), "email": "a" + strings.Repeat("x", i%50) + "@example.com", "password": apptest.Password})
		if status = p.Status; status == 507 {
			p.WantProblem(507, "storage_full")
		}
	}
	if status != 507 {
		t.Fatalf("never full: %d", status)
	}
	users, sessions, mails := a.Count("auth_user"), a.Count("auth_session"), a.Count("email_message")
	if users != sessions || users != mails {
		t.Errorf("half-written: %d users, %d sessions, %d mails", users, sessions, mails)
	}
	b.Get("/-/api/v1/me").Want(200) // reads go on
	limit("100000")
	b.Get("/-/readyz").Want(200, "writable")
	a.SignUp("after@example.com")
}
