package queue

import (
	"time"

	"seaworthy/store"
)

// scheduleRow is a schedule as it is stored; times in unix ms.
type scheduleRow struct {
	NewSchedule
	source                        string // code or person
	next, last                    *int64
	paused, retired, leftOutAt    *int64
	fault                         *string
	leftOut, kept                 int
	purgedTo, createdAt, changeAt int64
}

const scheduleColumns = `name, source, spec, tz, missed, overlap, kind, args, queue, priority, max_attempts, timeout_ms, endpoint,
	next_at, last_at, paused_at, retired_at, fault, left_out, left_out_at, kept, purged_to, created_at, updated_at`

func scanSchedule(r store.Scanner) (s scheduleRow, err error) {
	var timeout int64
	var overlap bool
	err = r.Scan(&s.Name, &s.source, &s.Spec, &s.Zone, &s.Missed.text, &overlap, &s.Kind, (*[]byte)(&s.Args), &s.Queue, &s.Priority, &s.MaxAttempts, &timeout, &s.Endpoint,
		&s.next, &s.last, &s.paused, &s.retired, &s.fault, &s.leftOut, &s.leftOutAt, &s.kept, &s.purgedTo, &s.createdAt, &s.changeAt)
	s.Timeout, s.NoOverlap = time.Duration(timeout)*time.Millisecond, !overlap
	return s, err
}

func scheduleByName(tx *store.Tx, name string) (scheduleRow, error) {
	return scanSchedule(tx.QueryRow(`SELECT `+scheduleColumns+` FROM queue_schedule WHERE name = ?`, name))
}

func allSchedules(tx *store.Tx) ([]scheduleRow, error) {
	return store.All(tx, scanSchedule, `SELECT `+scheduleColumns+` FROM queue_schedule ORDER BY name`)
}

func dueSchedules(tx *store.Tx, limit int) ([]scheduleRow, error) {
	return store.All(tx, scanSchedule, `SELECT `+scheduleColumns+` FROM queue_schedule WHERE next_at <= ? ORDER BY next_at LIMIT ?`, tx.Now().UnixMilli(), limit)
}

// nextSchedule is when the next schedule is due, in unix ms, or ErrNotFound.
func nextSchedule(tx *store.Tx) (at int64, err error) {
	err = tx.QueryRow(`SELECT next_at FROM queue_schedule WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1`).Scan(&at)
	return at, err
}

func countSchedules(tx *store.Tx, limit int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT name FROM queue_schedule LIMIT ?)`, limit).Scan(&n)
	return n, err
}

// putSchedule writes a whole row, which was read in the same transaction if it exists.
func putSchedule(tx *store.Tx, s scheduleRow) error {
	overlap := 1
	if s.NoOverlap {
		overlap = 0
	}
	_, err := tx.Exec(`INSERT INTO queue_schedule (`+scheduleColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET source = excluded.source, spec = excluded.spec, tz = excluded.tz, missed = excluded.missed, overlap = excluded.overlap,
			kind = excluded.kind, args = excluded.args, queue = excluded.queue, priority = excluded.priority, max_attempts = excluded.max_attempts,
			timeout_ms = excluded.timeout_ms, endpoint = excluded.endpoint, next_at = excluded.next_at, last_at = excluded.last_at,
			paused_at = excluded.paused_at, retired_at = excluded.retired_at, fault = excluded.fault, left_out = excluded.left_out,
			left_out_at = excluded.left_out_at, kept = excluded.kept, purged_to = excluded.purged_to, updated_at = excluded.updated_at`,
		s.Name, s.source, s.Spec, s.Zone, s.Missed.text, overlap, s.Kind, []byte(s.Args), s.Queue, s.Priority, s.MaxAttempts, s.Timeout.Milliseconds(), s.Endpoint,
		s.next, s.last, s.paused, s.retired, s.fault, s.leftOut, s.leftOutAt, s.kept, s.purgedTo, s.createdAt, s.changeAt)
	return err
}

func deleteSchedule(tx *store.Tx, name string) error {
	return tx.ExecOne(`DELETE FROM queue_schedule WHERE name = ?`, name)
}

// insertRun reports whether the run was not there yet.
func insertRun(tx *store.Tx, name string, due int64, outcome string) (bool, error) {
	n, err := tx.Exec(`INSERT INTO queue_schedule_run (name, due_at, made_at, outcome, job_id) VALUES (?, ?, ?, ?, NULL)
		ON CONFLICT (name, due_at) DO NOTHING`, name, due, tx.Now().UnixMilli(), outcome)
	return n == 1, err
}

func setRun(tx *store.Tx, name string, due int64, outcome string, job *string) error {
	return tx.ExecOne(`UPDATE queue_schedule_run SET outcome = ?, job_id = ? WHERE name = ? AND due_at = ?`, outcome, job, name, due)
}

// unfinished reports whether a job of a schedule has not come to its end.
func unfinished(tx *store.Tx, name string) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT count(*) FROM (SELECT j.id FROM queue_schedule_run r JOIN queue_job j ON j.id = r.job_id
		WHERE r.name = ? AND j.state NOT IN ('completed', 'dead', 'cancelled') LIMIT 1)`, name).Scan(&n)
	return n > 0, err
}

// purgeRuns deletes the oldest runs and returns their due times.
func purgeRuns(tx *store.Tx, name string, n int) ([]int64, error) {
	return store.All(tx, func(r store.Scanner) (due int64, err error) { return due, r.Scan(&due) },
		`DELETE FROM queue_schedule_run WHERE name = ? AND due_at IN (
			SELECT due_at FROM queue_schedule_run WHERE name = ? ORDER BY due_at LIMIT ?) RETURNING due_at`, name, name, n)
}

func scanRun(r store.Scanner) (s ScheduleRun, err error) {
	var due, made int64
	err = r.Scan(&due, &made, &s.Outcome, &s.Job, &s.State)
	s.Due, s.Made = time.UnixMilli(due).UTC(), time.UnixMilli(made).UTC()
	return s, err
}

func listRuns(tx *store.Tx, name string, before int64, limit int) ([]ScheduleRun, error) {
	return store.All(tx, scanRun, `SELECT r.due_at, r.made_at, r.outcome, coalesce(r.job_id, ''), coalesce(j.state, '')
		FROM queue_schedule_run r LEFT JOIN queue_job j ON j.id = r.job_id
		WHERE r.name = ? AND r.due_at < ? ORDER BY r.due_at DESC LIMIT ?`, name, before, limit)
}

func tickOfJob(tx *store.Tx, job string) (t Tick, err error) {
	var due int64
	err = tx.QueryRow(`SELECT name, due_at FROM queue_schedule_run WHERE job_id = ? ORDER BY due_at LIMIT 1`, job).Scan(&t.Schedule, &due)
	t.Due = time.UnixMilli(due).UTC()
	return t, err
}
