package jobs

import (
	"fmt"
	"time"

	"seaworthy/app/launch"
	"seaworthy/queue"
	"seaworthy/store"
)

const (
	stuckAfter = 5 * time.Minute // as readyz counts it
	mostDead   = 100             // dead letters that are counted
)

// Checks are what must be so of work in the background.
func Checks(tx *store.Tx) ([]launch.Check, error) {
	age, err := queue.OldestReady(tx)
	if err != nil {
		return nil, err
	}
	dead, err := queue.CountState(tx, queue.Dead, mostDead)
	if err != nil {
		return nil, err
	}
	flows := launch.Check{Key: "jobs.flowing", System: "jobs", Title: "Jobs are run as they come", Link: "/-/admin/jobs?state=available", Blocks: true,
		Why: "Mail, billing and your app's own jobs wait while the queue does.", Fix: "Look at the oldest job that waits and at what runs before it; a queue may be paused."}.
		Holds(age <= stuckAfter, "None has waited for five minutes.", "The oldest has waited "+age.Round(time.Minute).String()+".")
	letters := launch.Check{Key: "jobs.dead", System: "jobs", Title: "No job has given up", Link: "/-/admin/jobs?state=dead",
		Why: "Each dead letter is something that a customer was promised and did not get.", Fix: "Look at each: run it again, or discard it."}
	if dead == 0 {
		return []launch.Check{flows, letters.Is(launch.Done, "There are no dead letters.")}, nil
	}
	some := fmt.Sprintf("%d wait for a look.", dead)
	if dead == mostDead {
		some = fmt.Sprintf("%d or more wait for a look.", dead)
	}
	return []launch.Check{flows, letters.Is(launch.Warn, some)}, nil
}
