package app

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"seaworthy/app/config"
	"seaworthy/app/observe"
	"seaworthy/assets"
)

// The telemetry's own metrics.
var (
	telemetryDropped = prometheus.NewDesc("seaworthy_telemetry_dropped_total", "What was not kept, by class and reason.", []string{"class", "reason"}, nil)
	seriesTotal      = prometheus.NewDesc("seaworthy_series_total", "Requests to us (ours) and to the app behind (app), jobs (job) and outgoing calls (call).", []string{"class", "name"}, nil)
	seriesErrors     = prometheus.NewDesc("seaworthy_series_errors_total", "Those of them that failed.", []string{"class", "name"}, nil)
	seriesSeconds    = prometheus.NewDesc("seaworthy_series_seconds_total", "How long they took together.", []string{"class", "name"}, nil)
	sqlTotal         = prometheus.NewDesc("seaworthy_sql_statements_total", "Statements that ran.", nil, nil)
	sqlErrors        = prometheus.NewDesc("seaworthy_sql_errors_total", "Those of them that failed, conflicts apart.", nil, nil)
	sqlSeconds       = prometheus.NewDesc("seaworthy_sql_seconds_total", "How long they took together.", nil, nil)
	telemetryBytes   = prometheus.NewDesc("seaworthy_telemetry_bytes", "Size of all segments.", nil, nil)
)

func (m *metrics) telemetryMetrics(out chan<- prometheus.Metric) {
	st := m.app.Observe.Status()
	out <- prometheus.MustNewConstMetric(telemetryBytes, prometheus.GaugeValue, float64(st.Bytes))
	m.app.Observe.Totals(func(s observe.Series, t observe.Totals) {
		class, name := string(s.Class), s.Name
		out <- prometheus.MustNewConstMetric(seriesTotal, prometheus.CounterValue, float64(t.Count), class, name)
		out <- prometheus.MustNewConstMetric(seriesErrors, prometheus.CounterValue, float64(t.Errors), class, name)
		out <- prometheus.MustNewConstMetric(seriesSeconds, prometheus.CounterValue, t.Took.Seconds(), class, name)
	})
	sql := m.app.Observe.Statements()
	out <- prometheus.MustNewConstMetric(sqlTotal, prometheus.CounterValue, float64(sql.Count))
	out <- prometheus.MustNewConstMetric(sqlErrors, prometheus.CounterValue, float64(sql.Errors))
	out <- prometheus.MustNewConstMetric(sqlSeconds, prometheus.CounterValue, sql.Took.Seconds())
	for d, n := range st.Dropped {
		out <- prometheus.MustNewConstMetric(telemetryDropped, prometheus.CounterValue, float64(n), d.Class, d.Reason)
	}
}

// telemetry is how the system of it is set up.
func telemetry(cfg config.Config, o Options) observe.Options {
	to := observe.Options{Folder: filepath.Join(cfg.Data, "telemetry"), Clock: o.Clock, Release: o.Version, SlowQuery: cfg.SlowQuery, Disk: o.Disk, Service: cfg.ServiceName, Environment: cfg.Environment,
		Source: assets.Source, Checkout: checkout()}
	told := func(string, ...any) {} // Validate has told of faults
	if p, ok := cfg.Traces(told); ok {
		to.Traces = &observe.Place{URL: p.URL, Header: p.Header}
	}
	if p, ok := cfg.Sentry(told); ok {
		to.Reports = &observe.Place{URL: p.URL, Header: p.Header}
	}
	return to
}

// checkout is the folder of the module that this program was built in, where it is still there; "" for a
// release, whose files are named from the module on.
func checkout() string {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return ""
	}
	folder := filepath.Dir(filepath.Dir(file))
	if text, err := os.ReadFile(filepath.Join(folder, "go.mod")); err != nil || !strings.HasPrefix(string(text), "module seaworthy\n") {
		return ""
	}
	return folder
}

// jobEnded counts an attempt of a job by its kind.
func (a *App) jobEnded(kind string, run time.Duration, failed bool) {
	a.Observe.Count(observe.Series{Class: observe.Jobs, Name: kind}, run, failed)
}
