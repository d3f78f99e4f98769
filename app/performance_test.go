package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/observe"
	"seaworthy/app/web"
	"seaworthy/store"
)

// aQuery is the id of a statement there is, which can be run again.
func aQuery(a *apptest.App) string {
	a.T.Helper()
	all, err := a.Observe.Queries(a.T.Context(), time.Hour, "total")
	a.Must(err)
	for _, q := range all {
		if strings.HasPrefix(q.Text, "SELECT") && strings.Contains(q.Text, "auth_user") && strings.Count(q.Text, "?") == 1 {
			return q.ID
		}
	}
	a.T.Fatal("no statement was counted")
	return ""
}

// aTrace is the id of a trace that is kept.
func aTrace(a *apptest.App) string {
	a.T.Helper()
	o := &web.Origin{RequestID: "req_kept", Route: "GET /-/test/kept", Trace: web.NewTrace(), Start: time.Now()}
	ctx := a.Observe.Begin(web.WithOrigin(a.T.Context(), o))
	a.Must(a.DB.Write(ctx, func(tx *store.Tx) error {
		var n int
		return tx.QueryRow(`SELECT 1`).Scan(&n)
	}))
	_, end := a.Observe.Span(ctx, "http.client", "POST api.a-rather-long-name-of-a-host.example.com")
	end("503")
	a.Observe.End(o, 500, time.Since(o.Start))
	a.Observe.Flush()
	return o.Trace
}

// aMonitor is the id of a job that checks in.
func aMonitor(a *apptest.App) string {
	a.T.Helper()
	project, key := aProject(a)
	a.Browser().Get("/-/api/" + project + "/cron/nightly-report-of-a-rather-long-name/" + key + "/?status=ok").Want(202)
	a.Observe.Flush()
	all, err := a.Observe.Monitors(a.T.Context())
	a.Must(err)
	return all[0].ID
}

// drivePerformance are the mutating routes of performance.
func drivePerformance(a *apptest.App) map[string]func() {
	return map[string]func(){
		"POST /-/admin/performance/queries/{id}": func() {
			operator(a).Post("/-/admin/performance/queries/"+aQuery(a), "values", "usr_1").Want(200)
		},
		"POST /-/admin/errors/monitors/{id}/remove": func() { operator(a).Post("/-/admin/errors/monitors/" + aMonitor(a) + "/remove").Want(200) },
		"DELETE /-/api/v1/monitors/{id}":            func() { a.Key("errors:*").Do("DELETE", "/-/api/v1/monitors/"+aMonitor(a), "", "").Want(204) },
		"POST /-/api/v1/performance/queries/{id}/analyse": func() {
			a.Key("performance:manage").PostJSON("/-/api/v1/performance/queries/"+aQuery(a)+"/analyse", map[string]string{"values": "usr_1"}).Want(200)
		},
	}
}

// invoices is an app with a page that is slow for want of an index.
func invoices(t *testing.T) *apptest.App {
	t.Helper()
	a := apptest.New(t, apptest.WithoutLimits, func(c *config.Config, o *app.Options) {
		c.SlowQuery = time.Millisecond
		o.Extend = func(a *app.App) app.Extension {
			return app.Extension{Routes: []web.Route{{Method: "GET", Pattern: "/-/test/invoices", Access: web.Public, Handler: func(w http.ResponseWriter, r *http.Request) error {
				return listInvoices(r.Context(), w, a.DB)
			}}}}
		}
	})
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.SQL().Exec(`CREATE TABLE shop_invoice (id TEXT NOT NULL PRIMARY KEY, customer TEXT NOT NULL, status TEXT NOT NULL, created INTEGER NOT NULL) STRICT`)
		return err
	}))
	return a
}

// grow brings in what makes the page slow.
func grow(a *apptest.App) {
	a.T.Helper()
	a.Must(a.DB.Write(a.T.Context(), func(tx *store.Tx) error {
		_, err := tx.SQL().Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000) INSERT INTO shop_invoice (id, customer, status, created) SELECT 'inv_' || i, 'cus_' || (i % 500), 'open', i FROM n`)
		return err
	}))
}

func listInvoices(ctx context.Context, w http.ResponseWriter, db *store.DB) error {
	ids, err := store.Read(ctx, db, func(tx *store.Tx) ([]string, error) {
		return store.All(tx, func(r store.Scanner) (id string, err error) { return id, r.Scan(&id) },
			`SELECT id FROM shop_invoice WHERE customer = ? AND status = ? ORDER BY created DESC LIMIT 20`, "cus_7", "open")
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, ids)
}

func decoded[T any](t *testing.T, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// From a slow page to the line that makes the index, by the API.
func TestSlowQueryIsExplained(t *testing.T) {
	t.Parallel()
	a := invoices(t)
	grow(a)
	const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	r, err := http.NewRequestWithContext(t.Context(), "GET", a.URL+"/-/test/invoices", nil)
	a.Must(err)
	r.Header.Set("Traceparent", traceparent)
	res, err := http.DefaultClient.Do(r)
	a.Must(err)
	res.Body.Close()
	a.Clock.Advance(time.Minute)
	a.Observe.Flush()
	if log := a.Logs(); !strings.Contains(log, "a statement was slow") || !strings.Contains(log, "SCAN shop_invoice") || !strings.Contains(log, "4bf92f3577b34da6a3ce929d0e0e4736") {
		t.Errorf("the log says %s", log)
	}
	key := a.Key("performance:read")
	a.Forget()
	slow := decoded[observe.SlowPage](t, key.Get("/-/api/v1/performance/slow").Want(200).Body)
	var one observe.Slow
	for _, s := range slow.Slow {
		if s.Source == "ours GET /-/test/invoices" {
			one = s
		}
	}
	if one.Trace != "4bf92f3577b34da6a3ce929d0e0e4736" || !strings.Contains(one.Caller, "listInvoices") || !strings.HasPrefix(one.Plan, "SCAN shop_invoice") {
		t.Fatalf("%+v", slow)
	}
	d := decoded[observe.QueryDetail](t, key.Get("/-/api/v1/performance/queries/"+one.Query).Want(200).Body)
	if d.Count != 1 || d.Rows != 20 || len(d.Sources) != 1 || d.Sources[0].Name != "GET /-/test/invoices" || len(d.Slow) != 1 || len(d.Plans) != 1 {
		t.Errorf("%+v", d)
	}
	advice := decoded[observe.Advice](t, key.Get("/-/api/v1/performance/queries/"+one.Query+"/advice").Want(200).Body)
	if len(advice.Indexes) != 1 || advice.Indexes[0].SQL != "CREATE INDEX shop_invoice_customer_status_created ON shop_invoice (customer, status, created DESC)" ||
		advice.Indexes[0].Rows != 40000 || advice.Indexes[0].Bytes < 400_000 || !strings.Contains(advice.After, "shop_invoice_customer_status_created") {
		t.Errorf("%+v", advice)
	}
	page := decoded[observe.QueryPage](t, key.Get("/-/api/v1/performance/queries?order=max&range=1h").Want(200).Body)
	if len(page.Queries) < 10 {
		t.Errorf("only %d statements were counted", len(page.Queries))
	}
	for path, field := range map[string]string{"queries?order=size": "order", "queries?range=30d": "range", "slow?cursor=x": "cursor", "traces?class=sea": "class", "traces?reason=bad": "reason", "traces?source=x": "class", "traces?cursor=-1": "cursor"} {
		key.Get("/-/api/v1/performance/"+path).WantProblem(422, "invalid", field)
	}
	for _, path := range []string{"queries/none", "queries/none/advice", "traces/none"} {
		key.Get("/-/api/v1/performance/" + path).Want(404)
	}
	a.ExpectNothing()

	// Run again by who may; what changes something is refused.
	key.PostJSON("/-/api/v1/performance/queries/"+one.Query+"/analyse", map[string]string{"values": "cus_7\nopen"}).Want(403)
	manage := a.Key("performance:manage")
	a.Forget()
	again := decoded[observe.Analysis](t, manage.PostJSON("/-/api/v1/performance/queries/"+one.Query+"/analyse", map[string]string{"values": "cus_7\nopen"}).Want(200).Body)
	if again.Rows != 20 || again.CutShort || again.MS <= 0 {
		t.Errorf("%+v", again)
	}
	a.Expect(apptest.Happened{Audit: []string{"query.analysed"}})
	manage.PostJSON("/-/api/v1/performance/queries/"+one.Query+"/analyse", map[string]string{"values": "cus_7"}).WantProblem(422, "invalid", "values")
	limited := 0
	for _, q := range page.Queries {
		if strings.HasPrefix(q.Text, "SELECT") && strings.HasSuffix(q.Text, "LIMIT ?") { // and a text is no number of rows
			limited++
			manage.PostJSON("/-/api/v1/performance/queries/"+q.ID+"/analyse", map[string]string{"values": strings.Repeat("x\n", strings.Count(q.Text, "?"))}).WantProblem(422, "invalid", "values")
		}
	}
	if limited == 0 {
		t.Error("no statement with a limit was tried")
	}
	for _, q := range page.Queries {
		if strings.HasPrefix(q.Text, "INSERT INTO audit_event") {
			manage.PostJSON("/-/api/v1/performance/queries/"+q.ID+"/analyse", map[string]string{"values": strings.Repeat("1\n", strings.Count(q.Text, "?"))}).Want(409)
			break
		}
	}
	a.ExpectNothing()
}

// A failed request is kept whole: who called, its statements, what it called.
func TestTraceOfAFailedRequest(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	id := aTrace(a)
	key := a.Key("performance:read")
	page := decoded[observe.TracePage](t, key.Get("/-/api/v1/performance/traces?reason=failed").Want(200).Body)
	if len(page.Traces) != 1 || page.Traces[0].ID != id || page.Traces[0].Status != "500" || page.Traces[0].Statements != 1 {
		t.Fatalf("%+v", page)
	}
	d := decoded[observe.TraceDetail](t, key.Get("/-/api/v1/performance/traces/"+id).Want(200).Body)
	var ops []string
	for _, s := range d.Spans {
		ops = append(ops, s.Op)
	}
	if fmt.Sprint(ops) != "[http.server db.transaction db.sql http.client]" {
		t.Errorf("spans are %v", ops)
	}
	if d.Spans[1].Parent != d.Spans[0].ID || d.Spans[2].Parent != d.Spans[1].ID || d.Spans[3].Parent != d.Spans[0].ID {
		t.Errorf("%+v", d.Spans)
	}
}

// The walk at 2 am: from the mail that wakes somebody to the CREATE INDEX line in three clicks, wide
// and narrow, light and dark.
func TestTwoAMInChromium(t *testing.T) {
	a := invoices(t)
	grace := a.Operator("grace@example.com")
	a.RunJobs()
	grace.Post("/-/verify", "token", apptest.Token(a.Link("grace@example.com", "/-/verify")), "act", "confirm").Want(200)
	a.Key("alerts:*").Do("PATCH", "/-/api/v1/alert-rules/slow_route", "application/json", `{"bound":1,"factor":150}`).Want(200)
	ask := func() {
		for range 40 {
			a.Browser().Get("/-/test/invoices").Want(200)
		}
		a.Clock.Advance(time.Minute)
		a.Observe.Flush()
	}
	ask() // while there are no invoices
	a.Clock.Advance(20 * time.Minute)
	a.Observe.Flush()
	grow(a)
	ask()
	var woken apptest.Mail
	for range 60 { // the alert must last, and mail is told together
		a.Must(a.Observe.Look(t.Context()))
		a.RunJobs()
		a.Clock.Advance(10 * time.Second)
		for _, m := range a.Mails("grace@example.com") {
			if m.Subject == "Slow: GET /-/test/invoices" {
				woken = m
			}
		}
		if woken.ID != "" {
			break
		}
	}
	if !strings.Contains(strings.Join(strings.Fields(woken.Text), " "), "of its time in the database goes to one statement: SELECT id FROM shop_invoice") {
		t.Fatalf("nobody is woken, or is not told why: %q", woken.Text)
	}
	failed := aTrace(a)
	for _, width := range []int{1280, 360} {
		ctx, said := chromium(t, width, 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
		signedInAs(t, ctx, a, grace)
		look := func(name string) {
			t.Helper()
			for _, theme := range []string{"light", "dark"} {
				_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "`+theme+`"`))
				a.Must(err)
				fits(t, ctx, name)
				keep(t, ctx, fmt.Sprintf("performance-%s-%s-%d", name, theme, width))
			}
		}
		a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/admin/performance"), chromedp.WaitVisible(`a[href*="test%2finvoices"]`)))
		look("1-routes")
		a.Must(chromedp.Do(ctx, chromedp.Navigate(woken.Links[0]), chromedp.WaitVisible(`#statements-title`)))
		if !shows(t, ctx, ".uplot canvas") {
			t.Error("there is no chart")
		}
		look("2-route")
		a.Must(chromedp.Do(ctx, chromedp.Click(`section a.sql`), chromedp.WaitVisible(`#advice-title`)))
		look("3-statement")
		line, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#advice-title").closest("section").querySelector("code").textContent`))
		a.Must(err)
		if line != "CREATE INDEX shop_invoice_customer_status_created ON shop_invoice (customer, status, created DESC)" {
			t.Errorf("the advice is %q", line)
		}
		a.Must(chromedp.Do(ctx, chromedp.SendKeys(`#f-values`, "cus_7\nopen"), chromedp.Click(`form[action*="queries"] button`), chromedp.WaitVisible(`.alert-ok`)))
		look("4-again")
		for _, p := range []struct{ name, path string }{{"5-statements", "queries"}, {"6-slow", "slow"}, {"7-traces", "traces"}, {"8-trace", "traces/" + failed}, {"9-none", "traces?reason=n%2B1"}} {
			a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/admin/performance/"+p.path)))
			look(p.name)
		}
		for _, s := range said() {
			t.Errorf("the browser complains: %s", s)
		}
	}
}
