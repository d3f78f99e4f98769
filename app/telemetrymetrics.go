package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

// jobEnded counts an attempt of a job by its kind.
func (a *App) jobEnded(kind string, run time.Duration, failed bool) {
	a.Observe.Count(observe.Series{Class: observe.Jobs, Name: kind}, run, failed)
}
