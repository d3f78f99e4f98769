package command

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"seaworthy/app/jobs"
	"seaworthy/queue"
	"seaworthy/store"
)

type queuesCmd struct {
	jobsPlace `embed:""`
	JSON      bool `name:"json" help:"For programs, as the API answers."`
}

func (c *queuesCmd) Run(ctx context.Context, v release) error {
	from, err := c.look(v)
	if err != nil {
		return err
	}
	all, err := from.Queues(ctx)
	if err != nil {
		return inWords(err, "installation")
	}
	if c.JSON {
		return inJSON(map[string]any{"queues": all})
	}
	rows := [][]string{{"QUEUE", "WAITING", "OLDEST", "RUNNING", "AT ONCE", "RATE", "STATE"}}
	for _, q := range all {
		rows = append(rows, []string{q.Name, strconv.Itoa(q.Waiting), (time.Duration(q.Oldest) * time.Second).String(), strconv.Itoa(q.Running), atOnce(q), rate(q), paused(q)})
	}
	return table(rows)
}

func atOnce(q jobs.QueueState) string {
	if q.Concurrency == 0 {
		return "default"
	}
	return strconv.Itoa(q.Concurrency)
}

func rate(q jobs.QueueState) string {
	if q.Rate == 0 {
		return "-"
	}
	return fmt.Sprintf("%d in %s", q.Rate, time.Duration(q.Per)*time.Second)
}

func paused(q jobs.QueueState) string {
	if !q.Paused {
		return "open"
	}
	text := "paused since " + pointed(q.PausedAt)
	if q.PausedBy != "" {
		text += " by " + q.PausedBy
	}
	return text
}

type queuePauseCmd struct {
	jobsPlace `embed:""`
	Queue     string `arg:"" help:"Name of the queue, as 'jobs queues' shows it."`
}

func (c *queuePauseCmd) Run(ctx context.Context, v release) error {
	return c.change(ctx, v, func(to changer) error {
		err := to.PauseQueue(ctx, c.Queue, true)
		if err == nil {
			fmt.Printf("The queue %s is paused: its jobs wait until it is resumed\n", c.Queue)
		}
		return inWords(err, "queue")
	})
}

type queueGoOnCmd struct {
	jobsPlace `embed:""`
	Queue     string `arg:"" help:"Name of the queue, as 'jobs queues' shows it."`
}

func (c *queueGoOnCmd) Run(ctx context.Context, v release) error {
	return c.change(ctx, v, func(to changer) error {
		err := to.PauseQueue(ctx, c.Queue, false)
		if err == nil {
			fmt.Printf("The queue %s is open: its jobs start again\n", c.Queue)
		}
		return inWords(err, "queue")
	})
}

type schedulesCmd struct {
	Data string `default:"data" env:"SEAWORTHY_DATA" help:"Folder of the database ($$SEAWORTHY_DATA)."`
	JSON bool   `name:"json" help:"For programs."`
}

// schedule is one as programs read it.
type schedule struct {
	Name        string     `json:"name"`
	Cron        string     `json:"cron"`
	Timezone    string     `json:"timezone"`
	Description string     `json:"description,omitempty"`
	State       string     `json:"state"` // active, paused, retired or faulty
	Fault       string     `json:"fault,omitempty"`
	Kind        string     `json:"kind"`
	Lane        string     `json:"lane"`
	InCode      bool       `json:"in_code"` // the program declares it
	Last        *time.Time `json:"last_at,omitempty"`
	Next        *time.Time `json:"next_at,omitempty"`
}

func (c *schedulesCmd) Run(ctx context.Context) error {
	var all []queue.ScheduleInfo
	err := folder(c.Data).read(ctx, func(tx *store.Tx) (err error) {
		all, err = queue.Schedules(tx)
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		out := []schedule{}
		for _, s := range all {
			out = append(out, schedule{s.Name, s.Spec, zone(s), s.Words, scheduleState(s), s.Fault, s.Kind, s.Queue, s.InCode, orNil(s.Last), orNil(s.Next)})
		}
		return inJSON(map[string]any{"schedules": out})
	}
	rows := [][]string{{"NAME", "CRON", "ZONE", "STATE", "LAST", "NEXT", "KIND", "MEANS"}}
	for _, s := range all {
		words := s.Words
		if s.Fault != "" {
			words = s.Fault
		}
		rows = append(rows, []string{s.Name, s.Spec, zone(s), scheduleState(s), instant(s.Last), instant(s.Next), s.Kind, words})
	}
	return table(rows)
}

func zone(s queue.ScheduleInfo) string {
	if s.Zone == "" {
		return "UTC"
	}
	return s.Zone
}

func scheduleState(s queue.ScheduleInfo) string {
	switch {
	case !s.Retired.IsZero():
		return "retired"
	case !s.Paused.IsZero():
		return "paused"
	case s.Fault != "":
		return "faulty"
	}
	return "active"
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
