package queue

import (
	"encoding/json"
	"time"

	"seaworthy/store"
)

// Past is a job of a demonstration that ended before it was stored.
type Past struct {
	Kind, Queue string
	Args        json.RawMessage
	Took        time.Duration
	Fault       string // why it is dead; "" for one that was completed
	Org         string
}

// AddPast stores one as it stands after its only attempt, in the tables in which real ones stand. It has
// no message and never runs, unless somebody runs it again.
func AddPast(tx *store.Tx, p Past) (id string, err error) {
	id = tx.NewID("job")
	state, outcome, one := Completed, "completed", Figures{Completed: 1}
	if p.Fault != "" {
		state, outcome, one = Dead, "failed", Figures{Dead: 1}
	}
	now := tx.Now()
	j := newJob{spec: spec{queue: p.Queue, maxAttempts: 1, timeout: time.Minute}, id: id, kind: p.Kind, meta: "{}", org: p.Org, args: p.Args, state: state, runAt: now.Add(-p.Took)}
	if err := insertJob(tx, j); err != nil {
		return "", err
	}
	if err := tx.ExecOne(`UPDATE queue_job SET attempt = 1, started_at = ?, finished_at = ?, due_at = NULL, last_error = ? WHERE id = ?`,
		now.Add(-p.Took).UnixMilli(), now.UnixMilli(), orNull(p.Fault), id); err != nil {
		return "", err
	}
	if err := insertAttempt(tx, id, 1, now.Add(-p.Took).UnixMilli(), result{outcome: outcome, err: p.Fault}); err != nil {
		return "", err
	}
	one.Wait.add(0)
	one.Run.add(p.Took)
	return id, addMinute(tx, now.Truncate(time.Minute), Series{p.Queue, p.Kind}, one)
}
