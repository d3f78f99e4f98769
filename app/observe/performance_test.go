package observe_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/observe"
)

func TestRequestsAndJobsAreCounted(t *testing.T) {
	t.Parallel()
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(behind.Close)
	a := apptest.New(t, failing, apptest.WithoutLimits, func(c *config.Config, _ *app.Options) { c.Upstream = behind.URL })
	ada := a.SignUp("ada@example.com")
	ada.Get("/invoices/17").Want(200)
	ada.Get("/invoices/18").Want(200)
	ada.Get("/broken").Want(502)
	ada.Get("/-/test/fail").Want(500)
	a.RunJobs()
	reader := a.Key("performance:read")
	counts := func(query string) (found map[observe.Series]observe.SeriesMeasure) {
		t.Helper()
		var page observe.PerformancePage
		reader.Get("/-/api/v1/performance?" + query).Want(200).JSON(&page)
		found = map[observe.Series]observe.SeriesMeasure{}
		for _, s := range page.Series {
			found[observe.Series{Class: s.Class, Name: s.Name}] = s
		}
		return found
	}
	all := counts("range=1h")
	for series, want := range map[observe.Series][2]int64{
		{Class: observe.App, Name: "GET /invoices/:id"}: {2, 0},
		{Class: observe.App, Name: "GET /broken"}:       {1, 1},
		{Class: observe.Ours, Name: "GET /-/test/fail"}: {1, 1},
		{Class: observe.Jobs, Name: "email.deliver"}:    {1, 0},
	} {
		if got := all[series]; got.Count != want[0] || got.Errors != want[1] {
			t.Errorf("%v is counted %d with %d errors, not %v; all are %v", series, got.Count, got.Errors, want, all)
		}
	}
	if got := all[observe.Series{Class: observe.App, Name: "GET /invoices/:id"}]; got.P50MS <= 0 || got.P99MS > got.MaxMS || got.TotalMS < got.MaxMS || got.PerMinute != 2.0/60 {
		t.Errorf("its times are %+v", got)
	}
	for series := range counts("class=app") {
		if series.Class != observe.App {
			t.Errorf("%v is not of the app", series)
		}
	}
	var d observe.PerformanceDetail
	reader.Get("/-/api/v1/performance/series?class=app&range=24h&name=GET+/invoices/:id").Want(200).JSON(&d)
	if len(d.Points) != 1 || d.Points[0].Count != 2 || d.Series.Count != 2 || d.Range != "24h" {
		t.Errorf("over time it is %+v", d)
	}
	for query, field := range map[string]string{"?range=2h": "range", "?class=theirs": "class", "/series?class=app": "name", "/series?name=x": "class"} {
		reader.Get("/-/api/v1/performance"+query).WantProblem(422, "invalid", field)
	}
	for _, path := range []string{"/-/api/v1/performance", "/-/api/v1/performance/series?class=app&name=x"} {
		a.Key("logs:read").Get(path).Want(403)
	}
}
