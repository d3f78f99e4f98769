package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"seaworthy/app/jobs"
	"seaworthy/queue"
)

type jobsCmd struct {
	List      jobsListCmd   `cmd:"" help:"List jobs, the newest first."`
	Show      jobsShowCmd   `cmd:"" help:"Show a job: what it was given, with secrets hidden, and how each attempt went."`
	Retry     jobsRetryCmd  `cmd:"" help:"Run finished jobs again, or now what waits for its time."`
	Cancel    jobsCancelCmd `cmd:"" help:"Cancel jobs that have not finished."`
	Queues    queuesCmd     `cmd:"" help:"List the queues: what waits, for how long, what is paused or limited."`
	Pause     queuePauseCmd `cmd:"" help:"Keep the jobs of a queue from starting; those that run go on."`
	Resume    queueGoOnCmd  `cmd:"" help:"Let the jobs of a paused queue start again."`
	Schedules schedulesCmd  `cmd:"" help:"List the schedules: what they say, when they ran last and run next."`
}

// jobsPlace is the installation whose jobs are meant: the data folder, or a running
// one that is asked over its API.
type jobsPlace struct {
	Data string `default:"data" env:"SEAWORTHY_DATA" help:"Folder of the database, while the server is stopped; jobs and flags can be looked at beside a server, too ($$SEAWORTHY_DATA)."`
	URL  string `name:"url" placeholder:"ADDRESS" help:"Address of a running installation to ask instead; needs an API key."`
	Key  string `env:"SEAWORTHY_API_KEY" placeholder:"KEY" help:"API key for it, with the permission to see, and for changes to manage, what the command is about. Better give it as $$SEAWORTHY_API_KEY, which is in no list of processes."`
}

// Validate refuses an address that cannot be asked.
func (p *jobsPlace) Validate() error {
	if p.URL == "" {
		return nil
	}
	if p.Key == "" {
		return errors.New("--url needs an API key: set SEAWORTHY_API_KEY")
	}
	_, err := newRemote(p.URL, p.Key, release{})
	return err
}

// looker reads the jobs of an installation.
type looker interface {
	Page(ctx context.Context, want jobs.Sought) (jobs.JobPage, error)
	Job(ctx context.Context, id string) (jobs.Job, error)
	Queues(ctx context.Context) ([]jobs.QueueState, error)
}

// changer changes them, as jobs.System does.
type changer interface {
	RetryJob(ctx context.Context, id string) error
	CancelJob(ctx context.Context, id string) error
	ReplayJobs(ctx context.Context, f queue.Filter) (string, error)
	PauseQueue(ctx context.Context, name string, paused bool) error
}

func (p *jobsPlace) look(v release) (looker, error) {
	if p.URL != "" {
		return newRemote(p.URL, p.Key, v)
	}
	return folder(p.Data), nil
}

// change does something to jobs, and says what cannot be done why.
func (p *jobsPlace) change(ctx context.Context, v release, act func(changer) error) error {
	if p.URL == "" {
		return folder(p.Data).change(ctx, v, act)
	}
	r, err := newRemote(p.URL, p.Key, v)
	if err != nil {
		return err
	}
	return act(r)
}

type jobsListCmd struct {
	jobsPlace `embed:""`
	State     string `placeholder:"STATE" help:"Only those in a state: scheduled, blocked, available, running, retryable, completed, dead or cancelled."`
	Kind      string `help:"Only those of a kind."`
	Queue     string `help:"Only those of a queue, by the name that 'jobs queues' shows."`
	Org       string `help:"Only those of an org, by its id."`
	Endpoint  string `help:"Only those for an endpoint, by its name or id."`
	Before    string `placeholder:"ID" help:"Only older ones than this job."`
	Limit     int    `default:"50" help:"Most jobs to list."`
	JSON      bool   `name:"json" help:"For programs, as the API answers."`
}

// Validate refuses what lists nothing.
func (c *jobsListCmd) Validate() error {
	if c.State != "" && !slices.Contains(queue.States, queue.State(c.State)) {
		return fmt.Errorf("--state must be one of %v", queue.States)
	}
	return errors.Join(some(c.Limit), c.jobsPlace.Validate())
}

// some refuses a limit that lists nothing.
func some(limit int) error {
	if limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	return nil
}

func (c *jobsListCmd) Run(ctx context.Context, v release) error {
	from, err := c.look(v)
	if err != nil {
		return err
	}
	want := jobs.Sought{State: queue.State(c.State), Kind: c.Kind, Lane: c.Queue, Org: c.Org, Endpoint: c.Endpoint, Before: c.Before}
	all := jobs.JobPage{Jobs: []jobs.Job{}}
	for {
		want.Limit = min(jobs.MaxPage, c.Limit-len(all.Jobs))
		page, err := from.Page(ctx, want)
		if err != nil {
			return inWords(err, "endpoint")
		}
		all.Jobs, all.Next = append(all.Jobs, page.Jobs...), page.Next
		if want.Before = page.Next; page.Next == "" || len(all.Jobs) >= c.Limit {
			break
		}
	}
	if c.JSON {
		return inJSON(all)
	}
	rows := [][]string{{"ID", "STATE", "KIND", "QUEUE", "ATTEMPT", "ENQUEUED", "RUNS", "LAST ERROR"}}
	for _, j := range all.Jobs {
		rows = append(rows, []string{j.ID, stateOf(j), j.Kind, j.Lane, tries(j), instant(j.Created), runs(j), j.LastError})
	}
	if err := table(rows); err != nil {
		return err
	}
	if all.Next != "" {
		note("There are older ones: --before %s", all.Next)
	}
	return nil
}

func stateOf(j jobs.Job) string {
	if j.Cancelling {
		return "cancelling"
	}
	return string(j.State)
}

func tries(j jobs.Job) string { return strconv.Itoa(j.Attempt) + "/" + strconv.Itoa(j.MaxAttempts) }

// runs is when a job runs or ended.
func runs(j jobs.Job) string {
	switch {
	case j.Finished != nil:
		return instant(*j.Finished)
	case j.State == queue.Running:
		return pointed(j.Started)
	}
	return instant(j.RunAt)
}

type jobsRetryCmd struct {
	jobsPlace `embed:""`
	ID        []string `arg:"" optional:"" help:"Ids of jobs, as the list shows them."`
	Dead      bool     `help:"All dead ones instead, perhaps only of a kind, a queue or an org. A job does so in the background."`
	Kind      string   `help:"With --dead: only those of a kind."`
	Queue     string   `help:"With --dead: only those of a queue, by the name that 'jobs queues' shows."`
	Org       string   `help:"With --dead: only those of an org, by its id."`
}

// Validate refuses what could mean two things.
func (c *jobsRetryCmd) Validate() error {
	switch {
	case c.Dead == (len(c.ID) > 0):
		return errors.New("give the ids of jobs, or --dead")
	case !c.Dead && (c.Kind != "" || c.Queue != "" || c.Org != ""):
		return errors.New("--kind, --queue and --org go with --dead")
	}
	return c.jobsPlace.Validate()
}

func (c *jobsRetryCmd) Run(ctx context.Context, v release) error {
	return c.change(ctx, v, func(to changer) error {
		if !c.Dead {
			return each(c.ID, "%s runs again as soon as there is room\n", func(id string) error { return to.RetryJob(ctx, id) })
		}
		id, err := to.ReplayJobs(ctx, queue.Filter{State: queue.Dead, Kind: c.Kind, Queue: c.Queue, Org: c.Org})
		if err == nil {
			fmt.Printf("%s makes them run again, as soon as the server runs\n", id)
		}
		return inWords(err, "job")
	})
}

type jobsCancelCmd struct {
	jobsPlace `embed:""`
	ID        []string `arg:"" help:"Ids of jobs, as the list shows them."`
}

func (c *jobsCancelCmd) Run(ctx context.Context, v release) error {
	return c.change(ctx, v, func(to changer) error {
		return each(c.ID, "%s is cancelled; if it runs, it is told to stop\n", func(id string) error { return to.CancelJob(ctx, id) })
	})
}

// each does something to every job, whatever became of those before, and prints
// what it did.
func each(ids []string, done string, act func(id string) error) error {
	var all []error
	for _, id := range ids {
		if err := act(id); err != nil {
			all = append(all, fmt.Errorf("%s: %w", plain(id), inWords(err, "job")))
			continue
		}
		fmt.Printf(done, id)
	}
	return errors.Join(all...)
}
