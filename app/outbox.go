package app

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"seaworthy/app/console"
	"seaworthy/app/jobs"
	"seaworthy/app/outbox"
	"seaworthy/store"
)

// outboxes makes what relays the jobs that the app writes into its own database.
func (a *App) outboxes() *outbox.System {
	d := outbox.Deps{DB: a.DB, Audit: a.Audit.Log, Log: a.log, Enqueue: a.handIn}
	for _, f := range a.Config.Outboxes(func(string, ...any) {}) { // they were checked
		d.Files = append(d.Files, outbox.File(f))
	}
	return outbox.New(d)
}

// handIn makes a job of a row. It can only become one of the app's: no kind
// leads to a handler of this program.
func (a *App) handIn(tx *store.Tx, source string, row outbox.Row) (bool, error) {
	added, err := a.Jobs.HandIn(tx, source, jobs.HandedIn{ID: row.ID, Kind: row.Kind, Args: row.Args, Endpoint: row.Endpoint, Queue: row.Queue,
		Key: row.Key, Priority: row.Priority, RunAt: row.RunAt, Fingerprint: row.Fingerprint()})
	switch {
	case errors.Is(err, jobs.ErrReused):
		return false, outbox.Reused()
	case errors.Is(err, store.ErrNotFound) && row.Endpoint != "":
		return false, &outbox.RowError{Column: "endpoint", Reason: "is not the name of an endpoint"}
	case errors.Is(err, store.ErrNotFound):
		return false, &outbox.HoldError{Reason: "no endpoint is named default: set SEAWORTHY_APP_JOBS_URL to where the app takes its jobs"}
	}
	return added, err
}

// outboxHealth is one line for all files, and none where there are none. What is
// wrong there is the app's file: it never says that our work cannot be done.
func (a *App) outboxHealth() []console.Health {
	files := a.Outbox.Status()
	if len(files) == 0 {
		return nil
	}
	h := console.Health{Name: "Outbox", Kind: "ok", Word: "Watched"}
	relayed := int64(0)
	for _, f := range files {
		relayed += f.Relayed
		kind, word, detail := "", "", ""
		switch {
		case f.State == outbox.Failed:
			kind, word, detail = "warn", "Failing", f.Name+": "+f.Problem
		case f.State == outbox.Locked:
			kind, word, detail = "warn", "Locked", f.Name+": "+f.Problem
		case f.Bad > 0:
			kind, word, detail = "warn", "Bad rows", fmt.Sprintf("%s: %d rows cannot be jobs; the newest: %s", f.Name, f.Bad, newest(f.BadRows))
		case f.State == outbox.NoFile || f.State == outbox.NoTable:
			kind, word, detail = "quiet", "Waiting", fmt.Sprintf("%s: there is %s yet", f.Name, f.State)
		}
		if kind != "" && h.Kind != "warn" {
			h.Kind, h.Word, h.Detail = kind, word, detail
		}
	}
	if h.Detail == "" {
		h.Detail = fmt.Sprintf("%d files, %d rows relayed since the start", len(files), relayed)
	}
	return []console.Health{h}
}

func newest(rows []outbox.BadRow) string {
	if len(rows) == 0 {
		return "see their column error"
	}
	return rows[len(rows)-1].Reason
}

// outboxMetrics has a reading of each file.
func (m *metrics) outboxMetrics(out chan<- prometheus.Metric) {
	for _, f := range m.app.Outbox.Status() {
		for _, r := range outboxReadings(f) {
			out <- prometheus.MustNewConstMetric(prometheus.NewDesc("seaworthy_"+r.name, r.help, []string{"file"}, nil), r.kind, r.value, f.Name)
		}
	}
}

func outboxReadings(f outbox.FileStatus) []reading {
	return []reading{
		{"outbox_relayed_total", "Rows of the app's outbox made jobs.", prometheus.CounterValue, float64(f.Relayed)},
		{"outbox_backlog", "Rows that wait, at most 10,000 counted.", prometheus.GaugeValue, float64(f.Backlog)},
		{"outbox_bad", "Rows that cannot be jobs, at most 1,000 counted.", prometheus.GaugeValue, float64(f.Bad)},
		{"outbox_lag_seconds", "Since when rows wait.", prometheus.GaugeValue, f.Lag.Seconds()},
		{"outbox_watching", "1 while the file is watched, 0 while it is missing, locked or failing.", prometheus.GaugeValue, flag(f.State == outbox.Watching)},
	}
}
