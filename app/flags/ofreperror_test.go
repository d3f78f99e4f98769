package flags_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/web"
)

// Every error under /-/ofrep is in the form of the protocol, whoever found it.
func TestOFREPErrorsAreOFREPs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.Verified("ada@acme.example")
	long := `{"context":{"a":"` + strings.Repeat("x", 300<<10) + `"}}`
	for name, c := range map[string]struct {
		by                       *apptest.Browser
		method, path, kind, body string
		status                   int
		code, key                string
	}{
		"too large, one":      {w.server, "POST", ofrep + "/secret", "application/json", long, 413, "INVALID_CONTEXT", "secret"},
		"too large, all":      {w.server, "POST", ofrep, "application/json", long, 413, "INVALID_CONTEXT", ""},
		"another media type":  {w.server, "POST", ofrep + "/secret", "text/plain", `{}`, 415, "PARSE_ERROR", "secret"},
		"no JSON":             {w.server, "POST", ofrep, "application/json", `{`, 400, "PARSE_ERROR", ""},
		"no object":           {w.server, "POST", ofrep, "application/json", `{"context":7}`, 400, "INVALID_CONTEXT", ""},
		"no such flag":        {w.server, "POST", ofrep + "/nobody", "application/json", `{}`, 404, "FLAG_NOT_FOUND", "nobody"},
		"no such address":     {w.server, "POST", "/-/ofrep/v1/configuration", "application/json", `{}`, 404, "GENERAL", ""},
		"another method":      {w.server, "GET", ofrep, "", "", 405, "GENERAL", ""},
		"another method, one": {w.server, "DELETE", ofrep + "/secret", "", "", 405, "GENERAL", "secret"},
	} {
		p := c.by.Do(c.method, c.path, c.kind, c.body)
		var got map[string]string
		if err := json.Unmarshal([]byte(p.Body), &got); err != nil {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
			continue
		}
		_, told := got["key"]
		if p.Status != c.status || got["errorCode"] != c.code || got["key"] != c.key || told != (c.key != "") || got["errorDetails"] == "" || p.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s %s", name, p.Status, p.Header.Get("Content-Type"), p.Body)
		}
	}
	// 401 and 403 have no body there.
	for status, b := range map[int]*apptest.Browser{401: w.Bearer("sw_op_nobody"), 403: w.Key("audit:read")} {
		if p := ask(b, "secret", `{}`); p.Status != status || p.Body != "" || status == 401 && p.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%d %v %s", p.Status, p.Header, p.Body)
		}
	}
	ada.Header = http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}
	if p := ask(ada, "", `{}`); p.Status != 403 || p.Body != "" {
		t.Errorf("a page of another site: %d %s", p.Status, p.Body)
	}
}

// A limit that an embedding program puts on the protocol, and a panic, are told in its form.
func TestOFREPErrorsOfTheServer(t *testing.T) {
	t.Parallel()
	at := "/-/ofrep/v1/evaluate/flags/limited/"
	w := newWorld(t, func(_ *config.Config, o *app.Options) {
		o.Extend = func(*app.App) app.Extension {
			route := func(path string, h web.Handler) web.Route {
				return web.Route{Method: "GET", Pattern: at + path, Access: web.Public, Handler: h, Limit: web.PerMinute(1)}
			}
			return app.Extension{Routes: []web.Route{
				route("one", func(w http.ResponseWriter, _ *http.Request) error { return web.JSON(w, 200, true) }),
				route("panic", func(http.ResponseWriter, *http.Request) error { panic("the test says so") }),
			}}
		}
	})
	w.Browser().Get(at + "one").Want(200)
	if p := w.Browser().Get(at+"one").Want(429, `"errorCode":"GENERAL"`, `"key":"limited/one"`, `Too many attempts`); p.Header.Get("Retry-After") == "" {
		t.Errorf("%v", p.Header)
	}
	w.Browser().Get(at+"panic").Want(500, `"errorCode":"GENERAL"`).Without("the test says so")
}
