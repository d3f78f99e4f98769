package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/jobs"
	"seaworthy/app/redact"
	"seaworthy/app/web"
	"seaworthy/store"
)

// note says something to a person that is not what was asked for.
func note(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// inWords is an error about a job or a queue as a person reads it.
func inWords(err error, what string) error {
	var public *web.Error
	switch {
	case errors.Is(err, store.ErrNotFound):
		return errors.New("there is no such " + what)
	case errors.As(err, &public) && len(public.Fields) == 0:
		return errors.New(public.Public)
	}
	return err
}

type jobsShowCmd struct {
	jobsPlace `embed:""`
	ID        string `arg:"" help:"Id of the job, as the list shows it."`
	JSON      bool   `name:"json" help:"For programs, as the API answers, with secrets hidden."`
}

func (c *jobsShowCmd) Run(ctx context.Context, v release) error {
	from, err := c.look(v)
	if err != nil {
		return err
	}
	j, err := from.Job(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("%s: %w", plain(c.ID), inWords(err, "job"))
	}
	if c.JSON {
		return inJSON(hide(j))
	}
	return show(j)
}

// hide takes out of a job what nobody should read over a shoulder.
func hide(j jobs.Job) jobs.Job {
	if text := redact.JSON(j.Args); json.Valid([]byte(text)) {
		j.Args = jsontext.Value(text)
	} else {
		j.Args = nil
	}
	if j.Output != nil {
		text := redact.JSON([]byte(*j.Output))
		j.Output = &text
	}
	return j
}

func show(j jobs.Job) error {
	rows := [][]string{{"id", j.ID}, {"kind", j.Kind}, {"state", stateOf(j)}, {"queue", j.Lane}, {"endpoint", j.Endpoint}, {"org", j.Org}, {"priority", strconv.Itoa(j.Priority)},
		{"attempt", strconv.Itoa(j.Attempt) + " of " + strconv.Itoa(j.MaxAttempts)}, {"enqueued", instant(j.Created)}, {"runs at", instant(j.RunAt)},
		{"started", pointed(j.Started)}, {"finished", pointed(j.Finished)}, {"time limit", (time.Duration(j.Timeout) * time.Second).String()}}
	if j.Snoozes > 0 {
		rows = append(rows, []string{"snoozed", strconv.Itoa(j.Snoozes) + " times"})
	}
	if j.Progress > 0 {
		rows = append(rows, []string{"progress", strconv.Itoa(j.Progress) + " %"})
	}
	shown := rows[:0]
	for _, row := range rows {
		if row[1] != "" && row[1] != "-" {
			shown = append(shown, row)
		}
	}
	if err := table(shown); err != nil {
		return err
	}
	if len(j.Args) > 0 {
		fmt.Printf("\nargs\n%s\n", indented(redact.JSON(j.Args)))
	}
	if j.Output != nil && *j.Output != "" {
		fmt.Printf("\noutput\n%s\n", indented(redact.JSON([]byte(*j.Output))))
	}
	for _, a := range j.Attempts {
		status := ""
		if a.Status != 0 {
			status = ", answered " + strconv.Itoa(a.Status)
		}
		fmt.Printf("\nattempt %d: %s%s at %s, after %s\n", a.Attempt, plain(a.Outcome), status, instant(a.Finished), a.Finished.Sub(a.Started).Round(time.Millisecond))
		for _, text := range []string{a.Error, a.Snippet, a.Stack} {
			if text != "" {
				fmt.Println(indented(text))
			}
		}
	}
	return nil
}
