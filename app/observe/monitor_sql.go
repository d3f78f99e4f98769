package observe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"seaworthy/app/redact"
	"seaworthy/store"
)

const monitorColumns = `id, project, slug, environment, spec, zone, margin, longest, status, check_in, started_at, last_at, runs, failures, made_at`

func scanMonitor(r store.Scanner) (m Monitor, err error) {
	var started, last, made int64
	err = r.Scan(&m.ID, &m.Project, &m.Slug, &m.Environment, &m.Schedule, &m.Zone, &m.Margin, &m.Longest, &m.status, &m.checkIn, &started, &last, &m.Runs, &m.Failures, &made)
	for to, ms := range map[*time.Time]int64{&m.Started: started, &m.Last: last, &m.made: made} {
		if ms != 0 {
			*to = time.UnixMilli(ms).UTC()
		}
	}
	return m, err
}

// monitors reads all of them, which are at most mostMonitors.
func monitors(tx *store.Tx) ([]Monitor, error) {
	return store.All(tx, scanMonitor, `SELECT `+monitorColumns+` FROM observe_monitor WHERE id > '' ORDER BY id LIMIT ?`, mostMonitors)
}

func monitorOf(tx *store.Tx, id string) (Monitor, error) {
	return scanMonitor(tx.QueryRow(`SELECT `+monitorColumns+` FROM observe_monitor WHERE id = ?`, id))
}

func putMonitor(tx *store.Tx, m Monitor) error {
	ms := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.UnixMilli()
	}
	_, err := tx.Exec(`INSERT INTO observe_monitor (`+monitorColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
spec = excluded.spec, zone = excluded.zone, margin = excluded.margin, longest = excluded.longest, status = excluded.status, check_in = excluded.check_in,
started_at = excluded.started_at, last_at = excluded.last_at, runs = excluded.runs, failures = excluded.failures`,
		m.ID, m.Project, m.Slug, m.Environment, m.Schedule, m.Zone, m.Margin, m.Longest, m.status, m.checkIn, ms(m.Started), ms(m.Last), m.Runs, m.Failures, ms(m.made))
	return err
}

// writeCheckIns empties what came in into telemetry.db. What cannot be written for the moment waits.
func (s *System) writeCheckIns(main *store.Side) {
	all := s.checkIns.take()
	if len(all) == 0 {
		return
	}
	err := main.Write(context.Background(), func(tx *store.Tx) error {
		for _, c := range all {
			if err := s.storeCheckIn(tx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.checkIns.back(all)
	}
}

func (s *System) storeCheckIn(tx *store.Tx, c checkIn) error {
	slug, environment := redact.Text(string(c.Slug)), redact.Text(clip(string(c.Environment), 100))
	id := shapeID(fmt.Sprintf("%d\x00%s\x00%s", c.project.ID, slug, environment))
	m, err := monitorOf(tx, id)
	if errors.Is(err, store.ErrNotFound) {
		known, err := monitors(tx)
		if err != nil {
			return err
		}
		if len(known) >= mostMonitors {
			s.drops.count("check_in", "too_many_monitors", 1)
			return nil
		}
		m = Monitor{ID: id, Project: c.project.ID, Slug: slug, Environment: environment, Margin: usualMargin, Longest: usualLongest, made: c.at}
	} else if err != nil {
		return err
	}
	m.configure(c.Monitor)
	m.apply(c.CheckIn, c.at)
	return putMonitor(tx, m)
}

// removeMonitor forgets a monitor, or returns store.ErrNotFound.
func removeMonitor(tx *store.Tx, id string) error {
	return tx.ExecOne(`DELETE FROM observe_monitor WHERE id = ?`, id)
}
