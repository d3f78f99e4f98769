package observe_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/observe"
	"seaworthy/app/web"
	"seaworthy/queue"
)

const grace = "grace@example.com"

// roomy is a disk of which as many percent are free as percent says.
func roomy(percent *int64) apptest.Option {
	return func(_ *config.Config, o *app.Options) {
		o.Disk = func(string) (int64, int64, error) { return *percent * 1e9, 100e9, nil }
	}
}

// watched is an app with an operator who gets mail, on a disk that has room.
func watched(t *testing.T, opts ...apptest.Option) (*apptest.App, *apptest.Browser) {
	t.Helper()
	room := int64(50)
	a := apptest.New(t, append([]apptest.Option{failing, apptest.WithoutLimits, roomy(&room)}, opts...)...)
	operator := a.Operator(grace)
	a.RunJobs()
	operator.Post("/-/verify", "token", apptest.Token(a.Link(grace, "/-/verify")), "act", "confirm").Want(200)
	a.RunJobs()
	look(a)
	a.Forget()
	return a, operator
}

func look(a *apptest.App) {
	a.T.Helper()
	a.Observe.Flush()
	a.Must(a.Observe.Look(a.T.Context()))
}

// later looks again after a time, as often as the program does, and delivers.
func later(a *apptest.App, d time.Duration) {
	a.T.Helper()
	for range d / (15 * time.Second) {
		a.Clock.Advance(15 * time.Second)
		look(a)
		a.RunJobs()
	}
}

func firing(a *apptest.App) (titles []string) {
	for _, one := range a.Observe.Firing() {
		titles = append(titles, one.Title)
	}
	return titles
}

func TestNewErrorIsOneAlertAndOneMail(t *testing.T) {
	t.Parallel()
	a, operator := watched(t)
	for range 5 {
		a.Browser().Get("/-/test/panic").Want(500)
	}
	look(a)
	a.Expect(apptest.Happened{Audit: []string{"alert.fired"}, Rows: map[string]int{"observe_alert": 1, "observe_alert_event": 1, "observe_notice": 1}})
	look(a)
	a.ExpectNothing() // once, and not before its turn
	a.Clock.Advance(30 * time.Second)
	look(a)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Jobs: []string{"email.deliver", "observe.tell"}, Ran: []string{"observe.tell completed", "email.deliver completed"},
		Mails: []string{grace + ": New error: panic: assignment to entry in nil map"}, Rows: map[string]int{"observe_delivery": 1, "observe_alert_mail": 1}})
	later(a, 10*time.Minute)
	a.Browser().Get("/-/test/panic").Want(500)
	later(a, time.Minute)
	a.ExpectNothing() // it is the same alert while it lasts
	m := a.Mails(grace)[0]
	for _, want := range []string{"It was never seen before", "22 Nov 2026, 14:05 UTC", "seen 5 times", "test, which runs since", "observe_test.assign"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the mail does not say %q:\n%s", want, m.Text)
		}
	}
	if len(m.Links) < 2 || !strings.Contains(m.Links[0], "/-/admin/errors/iss_") {
		t.Errorf("links %v", m.Links)
	}
	operator.Get(strings.TrimPrefix(m.Links[0], a.URL)).Want(200)
}

func TestResolvedErrorIsOverAndComesBack(t *testing.T) {
	t.Parallel()
	a, _ := watched(t)
	key := a.Key("errors:*", "alerts:*")
	a.Browser().Get("/-/test/panic").Want(500)
	later(a, time.Minute)
	issue := only(t, a).ID
	a.Clock.Advance(time.Hour)
	key.Do("PATCH", "/-/api/v1/errors/"+issue, "application/json", `{"status":"resolved"}`).Want(200)
	later(a, time.Minute)
	if got := firing(a); len(got) != 0 {
		t.Errorf("%v fire", got)
	}
	if m := a.Mails(grace)[0]; m.Subject != "Over: New error: panic: assignment to entry in nil map" || !strings.Contains(m.Text, "61 minutes") {
		t.Errorf("told %q: %s", m.Subject, m.Text)
	}
	a.Clock.Advance(time.Hour)
	a.Browser().Get("/-/test/panic").Want(500)
	later(a, time.Minute)
	if got := firing(a); !slices.Equal(got, []string{"Error is back: panic: assignment to entry in nil map"}) {
		t.Errorf("%v fire", got)
	}
	if m := a.Mails(grace)[0]; !strings.Contains(m.Text, "It was resolved and is seen again") {
		t.Errorf("told %s", m.Text)
	}
	var d observe.AlertDetail
	id := a.Observe.Firing()[0].ID
	key.PostJSON("/-/api/v1/alerts/"+id+"/resolve", nil).Want(200)
	key.Get("/-/api/v1/alerts/" + id).Want(200).JSON(&d)
	if d.AlertState.State != "resolved" || len(d.Events) != 2 || d.Events[1].Kind != "resolved" {
		t.Errorf("the alert is %+v", d)
	}
	key.PostJSON("/-/api/v1/alerts/"+id+"/acknowledge", nil).Want(409)
}

// Fault 21.
func TestStormOf500IssuesIsOneDigest(t *testing.T) {
	t.Parallel()
	a, operator := watched(t)
	for i := range 500 {
		a.Observe.Job(queue.Failure{Job: queue.Info{ID: fmt.Sprint("job", i), Kind: "kind" + strings.Repeat("x", i+1)}, Dead: true, Err: "broken"})
	}
	later(a, time.Hour)
	var told []string
	for _, m := range slices.Backward(a.Mails(grace)) {
		if told = append(told, m.Subject); len(told) == 2 && (!strings.Contains(m.Text, "480 more new errors") || strings.Count(m.Text, "New error: broken") != 20 || !strings.Contains(m.Text, "Errors are up")) {
			t.Errorf("the digest is %s", m.Text)
		}
	}
	if !slices.Equal(told, []string{"Verify your address for Acme", "22 alerts, one of them critical", "Over: Errors are up"}) {
		t.Errorf("mailed %q", told)
	}
	operator.Get("/-/admin/alerts").Want(200)
}

func TestReadingsFireWithHysteresis(t *testing.T) {
	t.Parallel()
	free := int64(50)
	a := apptest.New(t, failing, roomy(&free))
	operator := a.Operator(grace)
	a.RunJobs()
	operator.Post("/-/verify", "token", apptest.Token(a.Link(grace, "/-/verify")), "act", "confirm").Want(200)
	a.RunJobs()
	look(a)
	a.Forget()
	free = 9
	look(a)
	if got := firing(a); len(got) != 0 {
		t.Errorf("%v fires before it has lasted", got)
	}
	later(a, time.Minute)
	if got := firing(a); !slices.Equal(got, []string{"Disk is nearly full"}) {
		t.Fatalf("%v fire", got)
	}
	if m := a.Mails(grace)[0]; m.Subject != "Disk is nearly full" || !strings.Contains(m.Text, "9.0 %") || !strings.Contains(m.Text, "fires below 10.0 %") {
		t.Errorf("told %s: %s", m.Subject, m.Text)
	}
	free = 10 // at the bound it goes on
	later(a, 10*time.Minute)
	if len(firing(a)) != 1 {
		t.Error("it ended at its bound")
	}
	free = 12
	later(a, time.Minute)
	free = 8 // before it was well for long enough
	later(a, 10*time.Minute)
	if n := len(a.Mails(grace)); n != 2 { // with the one to verify the address
		t.Errorf("%d mails while it swings", n)
	}
	free = 40
	later(a, 15*time.Minute)
	if len(firing(a)) != 0 || a.Mails(grace)[0].Subject != "Over: Disk is nearly full" {
		t.Errorf("%v fire, and last came %s", firing(a), a.Mails(grace)[0].Subject)
	}
	if n := a.Count("observe_alert"); n != 1 {
		t.Errorf("%d alerts", n)
	}
}

func TestBurstOfErrorsAgainstTheHourBefore(t *testing.T) {
	t.Parallel()
	a, _ := watched(t)
	a.Key("alerts:*").Do("PATCH", "/-/api/v1/alert-rules/issue_new", "application/json", `{"enabled":false}`).Want(200)
	fail := func(n int) {
		for range n {
			a.Observe.Fault(t.Context(), web.Fault{Err: io.ErrUnexpectedEOF, Status: 500, Method: "GET", Route: "GET /x"})
		}
	}
	began := false
	for range 70 { // ten a minute is what is usual here
		fail(10)
		later(a, time.Minute)
		began = began || len(firing(a)) > 0
	}
	if got := firing(a); len(got) != 0 || !began { // against nothing it fires at first, and that is over
		t.Errorf("what is usual fires: %v; it fired at the beginning: %v", got, began)
	}
	fail(160)
	later(a, 2*time.Minute)
	if got := firing(a); !slices.Equal(got, []string{"Errors are up"}) {
		t.Errorf("%v fire", got)
	}
}

func TestSlowRouteIsHeldAgainstWhatItWas(t *testing.T) {
	t.Parallel()
	a, _ := watched(t)
	serve := func(minutes int, took time.Duration) {
		for range minutes {
			for range 10 {
				a.Observe.Request("GET", "/invoices", took, false)
				a.Observe.Request("GET", "/reports", 3*time.Second, false) // always slow
			}
			later(a, time.Minute)
		}
	}
	serve(75, 80*time.Millisecond)
	if got := firing(a); len(got) != 0 {
		t.Errorf("%v fire", got)
	}
	serve(12, 2400*time.Millisecond)
	if got := firing(a); !slices.Equal(got, []string{"Slow: GET /invoices"}) {
		t.Fatalf("%v fire", got)
	}
	m := a.Mails(grace)[0]
	if m.Subject != "Slow: GET /invoices" || !strings.Contains(m.Text, "p95 2.4 s") || !strings.Contains(m.Text, "in the hour before") {
		t.Errorf("told %s", m.Text)
	}
	serve(20, 80*time.Millisecond)
	if got := firing(a); len(got) != 0 {
		t.Errorf("%v fire still", got)
	}
}

func TestSilenceHoldsBackAndTellsAfterwards(t *testing.T) {
	t.Parallel()
	a, operator := watched(t)
	key := a.Key("alerts:*")
	var made observe.Silence
	key.PostJSON("/-/api/v1/alert-silences", map[string]any{"rule": "issue_new", "minutes": 30, "note": "a release"}).Want(201).JSON(&made)
	before := len(a.Mails(grace))
	a.Browser().Get("/-/test/panic").Want(500)
	later(a, 10*time.Minute)
	if len(firing(a)) != 1 || len(a.Mails(grace)) != before {
		t.Errorf("%v fire, %d mails", firing(a), len(a.Mails(grace))-before)
	}
	operator.Get("/-/admin/alerts").Want(200, "a release", "New error: panic")
	later(a, 21*time.Minute)
	if m := a.Mails(grace)[0]; !strings.HasPrefix(m.Subject, "New error") {
		t.Errorf("after the silence came %q", m.Subject)
	}
	key.PostJSON("/-/api/v1/alert-silences", map[string]any{"rule": "nothing", "minutes": 0}).Want(422)
	key.Do("DELETE", "/-/api/v1/alert-silences/"+made.ID, "", "").Want(404)
}

func TestChannelGetsAtMostSoManyAnHour(t *testing.T) {
	t.Parallel()
	a, _ := watched(t)
	key, h := a.Key("alerts:*"), newHook(t)
	c := channel(a, key, "webhook", h.URL, "all")
	key.Do("PATCH", "/-/api/v1/alert-channels/"+c.ID, "application/json", `{"per_hour":3}`).Want(200)
	for i := range 60 { // a new error a minute
		a.Observe.Job(queue.Failure{Job: queue.Info{ID: fmt.Sprint("job", i), Kind: "kind" + strings.Repeat("x", i+1)}, Dead: true, Err: "broken"})
		later(a, time.Minute)
	}
	if n := len(h.bodies()); n < 2 || n > 4 { // three an hour, and the hour had just a bit more than 60 minutes
		t.Errorf("%d requests", n)
	}
	told := map[string]bool{}
	later(a, 25*time.Minute)
	for _, body := range h.bodies() {
		var p struct {
			Data struct{ Firing []struct{ ID string } }
		}
		a.Must(json.Unmarshal([]byte(body), &p))
		for _, one := range p.Data.Firing {
			told[one.ID] = true
		}
	}
	if len(told) < 60 {
		t.Errorf("%d of 60 were told", len(told))
	}
}

func TestWhoMaySeeAndSetAlerts(t *testing.T) {
	t.Parallel()
	a, operator := watched(t)
	see := a.Key("alerts:read")
	a.Browser().Get("/-/test/panic").Want(500)
	look(a)
	id := a.Observe.Firing()[0].ID
	a.RunJobs()
	a.Forget()
	see.PostJSON("/-/api/v1/alerts/"+id+"/acknowledge", nil).Want(403)
	see.Do("PATCH", "/-/api/v1/alert-rules/disk", "application/json", `{"bound":20}`).Want(403)
	a.Key("errors:read").Get("/-/api/v1/alerts").Want(403)
	operator.Post("/-/admin/alerts/"+id, "act", "acknowledged").Want(200, "Acknowledged", grace)
	if len(a.Observe.Firing()) != 0 {
		t.Error("what is acknowledged still asks for somebody")
	}
	all := a.Key("alerts:*")
	for body, field := range map[string]string{`{"bound":0}`: "bound", `{"bound":95}`: "bound", `{"minutes":61}`: "minutes", `{"factor":200}`: "factor"} {
		if got := all.Do("PATCH", "/-/api/v1/alert-rules/disk", "application/json", body).Want(422).Body; !strings.Contains(got, `"`+field+`"`) {
			t.Errorf("%s: %s", body, got)
		}
	}
	all.Do("PATCH", "/-/api/v1/alert-rules/nothing", "application/json", `{}`).Want(404)
	for _, bad := range []map[string]any{{"kind": "webhook", "name": "x", "url": "ftp://x"}, {"kind": "webhook", "name": "x", "url": "http://169.254.169.254/"}, {"kind": "mail", "name": "x", "to": "nobody"},
		{"kind": "pager", "name": "x"}, {"kind": "mail", "name": "Operators"}, {"kind": "mail", "name": ""}, {"kind": "slack", "name": "x"}} {
		all.PostJSON("/-/api/v1/alert-channels", bad).Want(422)
	}
}

// Alerts that fire are listed page by page, each once, the newest first.
func TestOpenAlertsComeInPages(t *testing.T) {
	t.Parallel()
	a, operator := watched(t)
	for i := range 5 {
		a.Observe.Job(queue.Failure{Job: queue.Info{ID: fmt.Sprint("job", i), Kind: "kind" + strings.Repeat("x", i+1)}, Dead: true, Err: "broken"})
		if i != 1 { // two at once
			look(a)
			a.Clock.Advance(time.Second)
		}
	}
	key := a.Key("alerts:*")
	var seen []string
	for cursor := ""; ; {
		var page observe.AlertPage
		key.Get("/-/api/v1/alerts?limit=2&cursor=" + cursor).Want(200).JSON(&page)
		for _, one := range page.Alerts {
			seen = append(seen, one.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if want := strings.Fields(a.Query(`SELECT group_concat(id, ' ') FROM (SELECT id FROM observe_alert WHERE resolved_at IS NULL ORDER BY fired_at DESC, id DESC)`)); len(want) != 5 || !slices.Equal(seen, want) {
		t.Errorf("%v, want %v", seen, want)
	}
	key.Get("/-/api/v1/alerts?limit=0").WantProblem(422, "invalid", "limit")
	key.Get("/-/api/v1/alerts?cursor=alt_x").WantProblem(422, "invalid", "cursor")
	perf := a.Key("performance:read")
	for _, list := range []string{"slow", "traces"} {
		perf.Get("/-/api/v1/performance/" + list + "?limit=1").Want(200)
		perf.Get("/-/api/v1/performance/"+list+"?limit=201&cursor=x").WantProblem(422, "invalid", "limit", "cursor")
	}
	operator.Post("/-/admin/alerts/rules/disk", "act", "set", "enabled", "on", "bound", "0", "minutes", "1").Want(422)
	operator.Post("/-/admin/alerts/rules/issue_new", "act", "set", "enabled", "on", "minutes", "0").Want(200, "The rule is set")
}

// An endpoint that is gone, or that most deliveries to fail, is told to the operators.
func TestEndpointThatIsLeftAloneIsAnAlert(t *testing.T) {
	t.Parallel()
	a, _ := watched(t)
	h := newHook(t)
	h.status = http.StatusGone
	key := a.Key("jobs:*", "alerts:*")
	key.PostJSON("/-/api/v1/jobs/endpoints", map[string]any{"name": "shop", "url": h.URL}).Want(201)
	key.PostJSON("/-/api/v1/jobs", map[string]any{"kind": "ship", "endpoint": "shop"}).Want(201)
	a.RunJobs()
	later(a, time.Minute)
	if got := firing(a); !slices.Equal(got, []string{"Endpoint is left alone: shop"}) {
		t.Fatalf("%v fire", got)
	}
	if m := a.Mails(grace)[0]; m.Subject != "Endpoint is left alone: shop" || !strings.Contains(m.Text, "410 Gone") {
		t.Errorf("told %q: %s", m.Subject, m.Text)
	}
}
