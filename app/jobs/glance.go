package jobs

import (
	"context"
	"fmt"
	"time"

	"seaworthy/app/glance"
	"seaworthy/queue"
	"seaworthy/store"
)

const (
	glanceHours   = 24
	mostCounted   = 10_000 // of jobs in a state
	minutesOfADay = 24*60 + 60
)

// Glance is work in the background on the console's home. Counts end at mostCounted: a backlog of
// a million must not make the page slow that one opens because of it.
func (s *System) Glance(_ context.Context, tx *store.Tx) (glance.Card, error) {
	c := glance.Card{State: glance.State{Kind: glance.OK, Word: "Flowing"}}
	ready, err := queue.CountState(tx, queue.Available, mostCounted)
	if err != nil {
		return c, err
	}
	dead, err := queue.CountState(tx, queue.Dead, mostCounted)
	if err != nil {
		return c, err
	}
	c.Line = glance.NewLine("Jobs done an hour", tx.Now(), time.Hour, glanceHours)
	minutes, err := queue.EndedSince(tx, c.Line.From, minutesOfADay)
	if err != nil {
		return c, err
	}
	for _, m := range minutes {
		c.Line.Add(m.At, m.Completed)
	}
	letters := glance.Number{Label: "Dead letters", N: int64(dead), AtLeast: dead >= mostCounted, Path: "/-/admin/jobs?state=dead"}
	if dead > 0 {
		letters.Kind = glance.Danger
		if err := needLetters(tx, &c, dead); err != nil {
			return c, err
		}
	}
	c.Numbers = []glance.Number{{Label: "Done in 24 hours", N: c.Line.Sum(), Path: "/-/admin/jobs?state=completed"},
		{Label: "Ready to run", N: int64(ready), AtLeast: ready >= mostCounted, Path: "/-/admin/jobs?state=available"}, letters}
	return c, needEndpoints(tx, &c)
}

func needLetters(tx *store.Tx, c *glance.Card, dead int) error {
	since, err := queue.OldestIn(tx, queue.Dead)
	c.State = c.State.Or(glance.State{Kind: glance.Warn, Word: "Dead letters", Detail: "Some jobs gave up and wait for a person."})
	text := "1 job gave up and waits for a person."
	if dead > 1 {
		text = fmt.Sprintf("%s jobs gave up and wait for a person.", glance.Grouped(int64(dead)))
	}
	c.Needs = append(c.Needs, glance.Need{Key: "jobs_dead", Kind: glance.Warn, Text: text, Since: since, Path: "/-/admin/jobs?state=dead"})
	return err
}

// needEndpoints tells of endpoints that get no jobs.
func needEndpoints(tx *store.Tx, c *glance.Card) error {
	all, err := Troubles(tx)
	for _, t := range all {
		need := glance.Need{Key: "endpoint_disabled " + t.Endpoint, Kind: glance.Warn, Text: "The endpoint " + t.Endpoint + " fails and is left alone; its jobs wait.", Path: "/-/admin/jobs"}
		if t.Disabled {
			need.Kind, need.Text = glance.Danger, "The endpoint "+t.Endpoint+" answered 410 Gone and is disabled; its jobs wait."
		}
		c.State = c.State.Or(glance.State{Kind: need.Kind, Word: "Endpoint down", Detail: need.Text})
		c.Needs = append(c.Needs, need)
	}
	return err
}
