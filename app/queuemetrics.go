package app

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"seaworthy/queue"
	"seaworthy/store"
)

// The queue's metrics, by queue, kind and state.
var (
	queueDepth    = queueDesc("depth", "Jobs of a queue that are ready or run, counted up to ten thousand.", "queue")
	queueAge      = queueDesc("oldest_seconds", "How long the longest-waiting ready job of a queue has waited.", "queue")
	queuePaused   = queueDesc("paused", "1 while people hold a queue back.", "queue")
	queueOldest   = queueDesc("oldest_ready_seconds", "How long the longest-waiting ready job has waited, but for queues that people hold back or slow down.")
	queueStates   = queueDesc("jobs", "Jobs in a state, counted up to ten thousand.", "state")
	queueAttempts = queueDesc("attempts_total", "Attempts that ended, by what became of the job.", "queue", "kind", "outcome")
	queueWait     = queueDesc("wait_seconds", "From when a job could have started to when it did.", "queue", "kind")
	queueRun      = queueDesc("run_seconds", "How long attempts took.", "queue", "kind")
)

func queueDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("seaworthy_queue_"+name, help, labels, nil)
}

// mostCounted bounds what a number may cost to count.
const mostCounted = 10_000

func (m *metrics) collectQueues(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	var lines []queue.Line
	counts := map[queue.State]int{}
	err := m.app.DB.Read(context.Background(), func(tx *store.Tx) (err error) {
		if lines, err = queue.Lines(tx, mostCounted); err != nil {
			return err
		}
		for _, state := range []queue.State{queue.Scheduled, queue.Blocked, queue.Available, queue.Running, queue.Retryable, queue.Dead} {
			if counts[state], err = queue.CountState(tx, state, mostCounted); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		gauge(queueOldest, queue.Oldest(lines).Seconds())
		for _, l := range lines {
			gauge(queueDepth, float64(l.Ready), l.Queue)
			gauge(queueAge, l.Oldest.Seconds(), l.Queue)
			gauge(queuePaused, flag(l.Paused), l.Queue)
		}
		for state, n := range counts {
			gauge(queueStates, float64(n), string(state))
		}
	}
	for s, f := range m.app.Queue.Figures() {
		for outcome, n := range map[string]int64{"completed": f.Completed, "retried": f.Failed, "dead": f.Dead} {
			out <- prometheus.MustNewConstMetric(queueAttempts, prometheus.CounterValue, float64(n), s.Queue, s.Kind, outcome)
		}
		out <- histogram(queueWait, f.Wait, s)
		out <- histogram(queueRun, f.Run, s)
	}
}

func histogram(d *prometheus.Desc, h queue.Histogram, s queue.Series) prometheus.Metric {
	buckets := make(map[float64]uint64, len(queue.Buckets))
	var below uint64
	for i, bound := range queue.Buckets {
		below += uint64(h.Counts[i])
		buckets[bound] = below
	}
	return prometheus.MustNewConstHistogram(d, uint64(h.Total()), h.Sum, buckets, s.Queue, s.Kind)
}
