package app

import (
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"seaworthy/app/config"
	"seaworthy/app/observe"
)

// The telemetry's own metrics.
var (
	telemetryDropped = prometheus.NewDesc("seaworthy_telemetry_dropped_total", "What was not kept, by class and reason.", []string{"class", "reason"}, nil)
	telemetryBytes   = prometheus.NewDesc("seaworthy_telemetry_bytes", "Size of all segments.", nil, nil)
)

func (m *metrics) telemetryMetrics(out chan<- prometheus.Metric) {
	st := m.app.Observe.Status()
	out <- prometheus.MustNewConstMetric(telemetryBytes, prometheus.GaugeValue, float64(st.Bytes))
	for d, n := range st.Dropped {
		out <- prometheus.MustNewConstMetric(telemetryDropped, prometheus.CounterValue, float64(n), d.Class, d.Reason)
	}
}

// telemetry is how the system of it is set up.
func telemetry(cfg config.Config, o Options) observe.Options {
	to := observe.Options{Folder: filepath.Join(cfg.Data, "telemetry"), Clock: o.Clock, Release: o.Version, SlowQuery: cfg.SlowQuery, Service: cfg.ServiceName, Environment: cfg.Environment}
	told := func(string, ...any) {} // Validate has told of faults
	if p, ok := cfg.Traces(told); ok {
		to.Traces = &observe.Place{URL: p.URL, Header: p.Header}
	}
	if p, ok := cfg.Sentry(told); ok {
		to.Reports = &observe.Place{URL: p.URL, Header: p.Header}
	}
	return to
}

// jobEnded counts an attempt of a job by its kind.
func (a *App) jobEnded(kind string, run time.Duration, failed bool) {
	a.Observe.Count(observe.Series{Class: observe.Jobs, Name: kind}, run, failed)
}
