//go:build faults

package faults

import (
	"database/sql"
	"testing"
	"time"
)

// job is a row of queue_job with the outcomes of its attempts in their order.
type job struct {
	state    string
	attempt  int
	outcomes string
}

func jobsOf(t *testing.T, db *sql.DB, kind string) []job {
	t.Helper()
	rows, err := db.Query(`SELECT j.state, j.attempt, coalesce((SELECT group_concat(outcome, ' ') FROM
			(SELECT outcome FROM queue_attempt a WHERE a.job_id = j.id ORDER BY started_at, attempt)), '')
		FROM queue_job j WHERE j.kind = ? ORDER BY j.id`, kind)
	must(t, err)
	defer rows.Close()
	var all []job
	for rows.Next() {
		var j job
		must(t, rows.Scan(&j.state, &j.attempt, &j.outcomes))
		all = append(all, j)
	}
	must(t, rows.Err())
	return all
}

// TestPoisonJob has a job that kills the process. It is a dead letter after
// three times, and takes down none of the jobs that ran beside it.
func TestPoisonJob(t *testing.T) {
	t.Parallel()
	data := newData(t)
	c := start(t, poisons, data, "FAULTS_ENQUEUE=good slow slow deadly slow slow good")
	if code := c.exit(10 * time.Second); code != 9 {
		t.Fatalf("the first start ended with %d", code)
	}
	reader := openSQLite(t, dbFile(data), "?mode=ro")
	crashes := 1
	c = start(t, poisons, data)
	eventually(t, 60*time.Second, "every job is over", func() bool {
		select {
		case <-c.dead:
			crashes++
			if code := c.exit(time.Second); code != 9 || crashes > 5 {
				t.Fatalf("start %d ended with %d", crashes, code)
			}
			c = start(t, poisons, data)
		default:
		}
		return len(texts(t, reader, `SELECT id FROM queue_job WHERE state NOT IN ('completed', 'dead', 'cancelled')`)) == 0
	})
	must(t, reader.Close())
	if crashes != 3 {
		t.Errorf("the process was killed %d times, want 3", crashes)
	}
	c.stop()
	db := snapshot(t, data)
	want := job{"dead", 3, "crashed crashed crashed"}
	if got := jobsOf(t, db, "faults.deadly"); len(got) != 1 || got[0] != want {
		t.Errorf("the deadly job: %v, want %v", got, want)
	}
	for kind, n := range map[string]int{"faults.good": 2, "faults.slow": 4} {
		got := jobsOf(t, db, kind)
		if len(got) != n {
			t.Errorf("%d jobs %s, want %d", len(got), kind, n)
		}
		for _, j := range got {
			if j.state != "completed" {
				t.Errorf("a job %s, which does nobody harm, is %v", kind, j)
			}
		}
	}
	sound(t, db, &ledger{})
	inStep(t, data)
}

// TestUnknownKind runs a binary that does not know a job, as after a downgrade:
// the job is held, burns no attempt, and runs when its handler is back.
func TestUnknownKind(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	c := start(t, poisons, data, "FAULTS_ENQUEUE=good", "FAULTS_ONLY_ENQUEUE=1")
	if code := c.exit(10 * time.Second); code != 0 {
		t.Fatalf("exit code %d", code)
	}

	c = serve(t, data)
	eventually(t, 10*time.Second, "the unknown kind is logged", func() bool { return len(c.lines("held a job of an unknown kind")) > 0 })
	l.signUp(c)
	c.delivered(l.acknowledged())
	c.becomesReady()
	c.stop()
	c.says(`"kind":"faults.good"`)
	db := snapshot(t, data)
	if got, want := jobsOf(t, db, "faults.good"), (job{"scheduled", 0, "unknown_kind"}); len(got) != 1 || got[0] != want {
		t.Errorf("held: %v, want %v", got, want)
	}
	sound(t, db, l)

	// It is looked at again after a minute; the test does not wait for that.
	edit := openSQLite(t, dbFile(data), "")
	_, err := edit.Exec(`UPDATE queue_job SET run_at = 0 WHERE kind = 'faults.good'`)
	must(t, err)
	must(t, edit.Close())
	c = start(t, poisons, data)
	c.answers()
	reader := openSQLite(t, dbFile(data), "?mode=ro")
	eventually(t, 10*time.Second, "the job runs", func() bool {
		return len(texts(t, reader, `SELECT id FROM queue_job WHERE kind = 'faults.good' AND state = 'completed'`)) == 1
	})
	must(t, reader.Close())
	c.stop()
	db = snapshot(t, data)
	if got, want := jobsOf(t, db, "faults.good"), (job{"completed", 1, "unknown_kind completed"}); len(got) != 1 || got[0] != want {
		t.Errorf("run at last: %v, want %v", got, want)
	}
	sound(t, db, l)
	inStep(t, data)
}
