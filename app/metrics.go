package app

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"seaworthy/app/observe"
	"seaworthy/app/web"
	"seaworthy/store/replica"
)

// metrics are what /-/metrics exports: requests by route, the writer, the queue
// and the replica; the runtime's and Litestream's own come from the default registry.
type metrics struct {
	app      *App
	requests *prometheus.HistogramVec
	handler  http.Handler
}

func newMetrics(a *App) *metrics {
	m := &metrics{app: a, requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "seaworthy_http_request_seconds", Help: "Time to answer a request, by route and status class.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"route", "status"})}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m, m.requests)
	m.handler = promhttp.HandlerFor(prometheus.Gatherers{registry, prometheus.DefaultGatherer}, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	return m
}

// metricsPage answers this machine, or whoever has the token.
func (a *App) metricsPage(w http.ResponseWriter, r *http.Request) error {
	given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want := a.Config.MetricsToken
	byToken := want != "" && subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
	direct := r.Header.Get("X-Forwarded-For") == "" && web.OriginOf(r.Context()).Addr.IsLoopback()
	if !byToken && (want != "" || !direct) {
		return web.ErrNotFound
	}
	a.metrics.handler.ServeHTTP(w, r)
	return nil
}

func (m *metrics) request(o *web.Origin, status int, took time.Duration) {
	m.app.Observe.End(o, status, took)
	switch {
	case status == http.StatusSwitchingProtocols: // a socket's time says how long somebody stayed
	case o.Asked != "":
		m.app.Observe.Request(o.Method, o.Asked, took, status >= 500)
	default:
		m.app.Observe.Count(observe.Series{Class: observe.Ours, Name: o.Route}, took, status >= 500)
	}
	m.requests.WithLabelValues(o.Route, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

// reading is one number taken when the metrics are read.
type reading struct {
	name, help string
	kind       prometheus.ValueType
	value      float64
}

// Describe implements prometheus.Collector; the readings are unchecked.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	for _, r := range m.readings() {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("seaworthy_"+r.name, r.help, nil, nil), r.kind, r.value)
	}
	m.collectQueues(out)
	m.outboxMetrics(out)
	m.billingMetrics(out)
	m.telemetryMetrics(out)
}

func (m *metrics) readings() []reading {
	s := m.app.DB.Stats()
	all := []reading{
		{"store_writes_total", "Write transactions committed.", prometheus.CounterValue, float64(s.Writes)},
		{"store_commits_total", "Groups of them made durable (fsyncs).", prometheus.CounterValue, float64(s.Groups)},
		{"store_failures_total", "Writes that failed for want of disk or lock.", prometheus.CounterValue, float64(s.Failures)},
		{"store_foreign_writes_total", "Times another process was seen writing.", prometheus.CounterValue, float64(s.Foreign)},
		{"store_waiting", "Writes that wait for the writer.", prometheus.GaugeValue, float64(s.Waiting)},
		{"store_lock_wait_seconds", "How long the writer has waited for another process's lock.", prometheus.GaugeValue, s.LockWait.Seconds()},
		{"store_paused_seconds_total", "Time the writer stood still for checkpoints.", prometheus.CounterValue, s.Paused.Seconds()},
		{"store_wal_bytes", "Size of the write-ahead log.", prometheus.GaugeValue, float64(s.WALBytes)},
		{"queue_running", "Jobs running now.", prometheus.GaugeValue, float64(m.app.Queue.Running())},
		{"flags_streams", "Streams of events open that tell of changed flags.", prometheus.GaugeValue, float64(m.app.Flags.Streams())},
		{"queue_stuck", "Jobs that ignore the end of their time and keep a worker.", prometheus.GaugeValue, float64(m.app.Queue.Stuck())},
	}
	if st, err := m.app.Audit.State(context.Background()); err == nil {
		all = append(all,
			reading{"audit_events", "Events under the current origin of the audit log.", prometheus.GaugeValue, float64(st.Size)},
			reading{"audit_unsigned", "Events that no published checkpoint covers.", prometheus.GaugeValue, float64(st.Unsigned())},
			reading{"audit_broken", "1 when the tree does not follow from the events, or the last verification failed.", prometheus.GaugeValue, flag(st.Broken != "" || st.Verified.Problem != "")})
	}
	if m.app.replica == nil {
		return all
	}
	return append(all, replicaReadings(m.app.replica.Status())...)
}

func replicaReadings(r replica.Status) []reading {
	last := 0.0
	if !r.LastSuccessfulSync.IsZero() {
		last = float64(r.LastSuccessfulSync.Unix())
	}
	return []reading{
		{"replica_lag_seconds", "Age of the oldest commit that is not at the replica.", prometheus.GaugeValue, r.LagSeconds},
		{"replica_lag_txids", "Transactions that are not at the replica.", prometheus.GaugeValue, float64(r.LagTXIDs)},
		{"replica_local_bytes", "Disk that the replica's local files take.", prometheus.GaugeValue, float64(r.LocalLTXBytes)},
		{"replica_last_sync_timestamp_seconds", "When the replica was last in step.", prometheus.GaugeValue, last},
		{"replica_stale", "1 when the lag is beyond what is tolerated.", prometheus.GaugeValue, flag(r.Stale)},
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
