package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/observe"
	"seaworthy/app/web"
)

// anError is the id of an issue there is.
func anError(a *apptest.App) string {
	a.T.Helper()
	a.Observe.Capture(a.T.Context(), errors.New("the bridge is out, and this is a rather long message that says so without any blank: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
	a.Observe.Flush()
	page, err := a.Observe.Issues(a.T.Context(), observe.IssueFilter{Limit: 1})
	a.Must(err)
	return page.Errors[0].ID
}

// aProject is the number of a project there is, with a key that was revoked.
func aProject(a *apptest.App) (id string, key string) {
	a.T.Helper()
	all := a.Observe.Projects()
	if len(all) == 0 {
		p, err := a.Observe.MakeProject(a.T.Context(), observe.ProjectChange{Name: "a project with a rather long name that says what it is for"})
		a.Must(err)
		p, err = a.Observe.MakeKey(a.T.Context(), p.ID)
		a.Must(err)
		_, err = a.Observe.RevokeKey(a.T.Context(), p.ID, p.Keys[0].Public)
		a.Must(err)
		all = a.Observe.Projects()
	}
	for _, k := range all[0].Keys {
		if k.Works() {
			key = k.Public
		}
	}
	return strconv.FormatInt(all[0].ID, 10), key
}

// aReport is the id of the issue of an event that a project sent.
func aReport(a *apptest.App) string {
	a.T.Helper()
	id, key := aProject(a)
	const body = `{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}` + "\n" + `{"type":"event"}` + "\n" +
		`{"platform":"python","release":"shop@1.4.2","environment":"production","transaction":"/cart/pay","server_name":"web-1","exception":{"values":[` +
		`{"type":"ConnectionError","value":"the bank does not answer within 30 seconds"},{"type":"PaymentFailed","value":"order 1042 cannot be paid","mechanism":{"handled":false},"stacktrace":{"frames":[` +
		`{"function":"dispatch","filename":"/usr/lib/python3/dist-packages/framework/views.py","lineno":103,"in_app":false},` +
		`{"function":"pay","module":"shop.checkout","filename":"shop/checkout.py","lineno":88,"in_app":true,"pre_context":["def pay(order):","    answer = bank.charge(order.total, order.card_of_a_rather_long_name_that_does_not_wrap_by_itself)"],` +
		`"context_line":"    raise PaymentFailed(order)","post_context":["","def refund(order):"]}]}}]},` +
		`"breadcrumbs":[{"timestamp":1764392400,"category":"http","message":"POST https://bank.example/charges","level":"info"}],"request":{"url":"https://shop.example/cart/pay","method":"POST","headers":{"Accept":"text/html"}},` +
		`"user":{"id":"7","email":"kim@example.com"},"tags":{"region":"eu-west"},"contexts":{"runtime":{"name":"CPython","version":"3.13"}},"extra":{"cart":{"items":3}},"sdk":{"name":"sentry.python","version":"2.1"}}`
	a.Browser().Do("POST", "/-/api/"+id+"/envelope/?sentry_key="+key, "text/plain", body).Want(200)
	a.Observe.Flush()
	page, err := a.Observe.Issues(a.T.Context(), observe.IssueFilter{Limit: 50})
	a.Must(err)
	return page.Errors[slices.IndexFunc(page.Errors, func(i observe.Issue) bool { return strings.HasPrefix(i.Title, "PaymentFailed") })].ID
}

// mergedErrors are two new errors that were merged: what stands for them, and one of them.
func mergedErrors(a *apptest.App) (whole, part string) {
	a.T.Helper()
	id, key := aProject(a)
	a.Clock.Advance(time.Minute)
	for _, kind := range []string{"One", "Two"} {
		a.Browser().Do("POST", "/-/api/"+id+"/envelope/?sentry_key="+key, "text/plain", "{}\n"+`{"type":"event"}`+"\n"+
			fmt.Sprintf(`{"exception":{"values":[{"type":"%s%d"}]}}`, kind, a.Clock.Now().Unix())).Want(200)
	}
	a.Observe.Flush()
	page, err := a.Observe.Issues(a.T.Context(), observe.IssueFilter{Status: "open", Limit: 2})
	a.Must(err)
	var made observe.Issue
	a.Key("errors:manage").PostJSON("/-/api/v1/errors/merge", observe.Merge{Errors: []string{page.Errors[0].ID, page.Errors[1].ID}}).Want(200).JSON(&made)
	return made.ID, page.Errors[0].ID
}

// driveErrors are the mutating routes of errors.
func driveErrors(a *apptest.App) map[string]func() {
	api := func(method, path, body string, status int) {
		a.Key("errors:manage").Do(method, "/-/api/v1/errors/projects"+path, "application/json", body).Want(status)
	}
	return map[string]func(){
		"POST /-/admin/errors/projects": func() { operator(a).Post("/-/admin/errors/projects", "name", "web").Want(200) },
		"POST /-/admin/errors/projects/{project}": func() {
			id, _ := aProject(a)
			operator(a).Post("/-/admin/errors/projects/"+id, "act", "key").Want(200)
		},
		"POST /-/api/v1/errors/projects":                func() { api("POST", "", `{"name":"api"}`, 201) },
		"PATCH /-/api/v1/errors/projects/{project}":     func() { id, _ := aProject(a); api("PATCH", "/"+id, `{"name":"renamed"}`, 200) },
		"POST /-/api/v1/errors/projects/{project}/keys": func() { id, _ := aProject(a); api("POST", "/"+id+"/keys", `{}`, 201) },
		"DELETE /-/api/v1/errors/projects/{project}/keys/{key}": func() {
			id, key := aProject(a)
			api("DELETE", "/"+id+"/keys/"+key, "", 204)
		},
		"POST /-/admin/errors/{id}":   func() { operator(a).Post("/-/admin/errors/"+anError(a), "act", "resolve").Want(200) },
		"POST /-/admin/errors/merge":  func() { operator(a).Post("/-/admin/errors/merge", "error", anError(a), "error", aReport(a)).Want(200) },
		"POST /-/api/v1/errors/merge": func() { mergedErrors(a) },
		"POST /-/api/v1/errors/{id}/unmerge": func() {
			whole, part := mergedErrors(a)
			a.Key("errors:manage").PostJSON("/-/api/v1/errors/"+whole+"/unmerge", observe.Unmerge{Error: part}).Want(200)
		},
		"PATCH /-/api/v1/errors/{id}": func() {
			a.Key("errors:manage").Do("PATCH", "/-/api/v1/errors/"+anError(a), "application/json", `{"status":"ignored"}`).Want(200)
		},
	}
}

// An operator finds what broke, reads the request's lines and resolves it, wide and
// narrow, light and dark.
func TestErrorsAndLogsInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits, func(_ *config.Config, o *app.Options) {
		o.Extend = func(*app.App) app.Extension {
			return app.Extension{Routes: []web.Route{{Method: "GET", Pattern: "/-/test/panic", Access: web.Public, Handler: func(http.ResponseWriter, *http.Request) error {
				return assign(nil)
			}}}}
		}
	})
	grace := a.Operator("grace@example.com")
	grace.Get("/-/test/panic").Want(500)
	anError(a)
	a.Logger().Warn("a provider is slow", "provider", "postmark", "took", "4.2 s")
	a.RunJobs()
	a.Clock.Advance(2 * time.Minute)
	a.Observe.Flush()
	page, err := a.Observe.Issues(t.Context(), observe.IssueFilter{Limit: 9})
	a.Must(err)
	report := aReport(a)
	broken := page.Errors[slices.IndexFunc(page.Errors, func(i observe.Issue) bool { return i.Kind == "panic" })].ID
	for _, width := range []int{1280, 360} {
		ctx, said := chromium(t, width, 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
		signedInAs(t, ctx, a, grace)
		for _, theme := range []string{"light", "dark"} {
			for _, p := range []struct{ name, path string }{{"logs", "/-/admin/logs"}, {"logs-none", "/-/admin/logs?q=nowhere"}, {"errors", "/-/admin/errors"},
				{"errors-none", "/-/admin/errors?status=ignored"}, {"error", "/-/admin/errors/" + broken}, {"projects", "/-/admin/errors/projects"}, {"report", "/-/admin/errors/" + report}} {
				a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+p.path)))
				_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(document.querySelector(".log-line summary")?.click(), document.documentElement.dataset.theme = "`+theme+`")`))
				a.Must(err)
				fits(t, ctx, p.path)
				keep(t, ctx, fmt.Sprintf("observe-%s-%s-%d", p.name, theme, width))
			}
		}
		if width == 1280 {
			a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/admin/errors/"+broken)))
			a.Must(chromedp.Do(ctx, chromedp.Click(`button[value="resolve"]`), gone(`button[value="resolve"]`)))
			if !shows(t, ctx, ".alert-ok") {
				t.Error("resolving says nothing")
			}
			a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/admin/logs")))
			if !shows(t, ctx, "tbody tr:first-child summary") {
				t.Error("the log shows no line")
			}
			seen := ""
			for range 40 {
				seen, err = chromedp.Run(ctx, chromedp.Evaluate[string](`(document.activeElement.blur(), document.querySelector("#list").textContent)`))
				a.Must(err)
				if strings.Contains(seen, "a new line comes by itself") {
					break
				}
				a.Logger().Info("a new line comes by itself") // again: the page may not listen yet
				a.Observe.Flush()
				time.Sleep(100 * time.Millisecond)
			}
			if !strings.Contains(seen, "a new line comes by itself") {
				t.Error("the live log does not show a new line")
			}
		}
		for _, s := range said() {
			t.Errorf("the browser complains: %s", s)
		}
	}
}

// assign panics for nil, a call below the handler.
func assign(m map[string]int) error {
	m["x"] = 1
	return nil
}
