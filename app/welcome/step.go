package welcome

import (
	"fmt"
	"slices"

	"seaworthy/app/launch"
	"seaworthy/store"
)

// Step is a part of the set-up.
type Step struct {
	Key, Title, About string
	Done              bool // all that it needs is so
	Skipped           bool // it was put off
	Note              string
	Points            []Point
}

// Settled says that nobody needs to do anything about it now.
func (s Step) Settled() bool { return s.Done || s.Skipped }

// Point is one thing of a step, and how it stands.
type Point struct {
	Title, Detail, Why string
	State              launch.State
	Needed             bool   // the step is done only with it
	Path, Act          string // where it is done, and what that is called; "" for here
	Lines              []Line // what has to be set where the program is started
	Any                bool   // one of the lines is enough
}

// steps are those there are, in their order.
var steps = []Step{
	{Key: "operator", Title: "Operator", About: "Who runs this. Your account reads and changes everything, so it deserves a second step at sign-in."},
	{Key: "brand", Title: "Brand", About: "What your customers see: your name and colour on every page and mail, in place of ours."},
	{Key: "app", Title: "Your app", About: "Where your app listens. Seaworthy stands in front of it, lets in who may, and tells it who asks."},
	{Key: "providers", Title: "Providers", About: "Who delivers your mail, takes payments, and lets people sign in with an account they have. All of it can be tried without them."},
	{Key: "plans", Title: "Plans", About: "What you sell, and for how much. Stripe charges it; what a plan gives is kept here, where your app asks for it."},
	{Key: "backups", Title: "Backups", About: "What survives the loss of this machine: a replica that is seconds behind, and a whole copy every night."},
}

// titleOf is a step's title; "" for one that there is not.
func titleOf(key string) string {
	if i := slices.IndexFunc(steps, func(s Step) bool { return s.Key == key }); i >= 0 {
		return steps[i].Title
	}
	return ""
}

// Setup is the whole of it.
type Setup struct {
	Steps     []Step
	Dismissed bool
}

// Settled are how many steps nobody needs to do anything about.
func (s Setup) Settled() (n int) {
	for _, step := range s.Steps {
		if step.Settled() {
			n++
		}
	}
	return n
}

// Next is the first step that is open; "" for none.
func (s Setup) Next() string {
	for _, step := range s.Steps {
		if !step.Settled() {
			return step.Key
		}
	}
	return ""
}

// Read says how the set-up stands. It keeps nothing: what is done follows from the data.
func (s *System) Read(tx *store.Tx) (Setup, error) {
	off, err := skipped(tx)
	if err != nil {
		return Setup{}, fmt.Errorf("what was put off: %w", err)
	}
	list, err := s.Checks(tx)
	if err != nil {
		return Setup{}, fmt.Errorf("checklist: %w", err)
	}
	checks := map[string]launch.Check{}
	for _, c := range list {
		checks[c.Key] = c
	}
	out := Setup{Dismissed: off[whole]}
	for _, step := range steps {
		step.Skipped = off[step.Key]
		if step.Points, err = s.points(tx, step.Key, checks); err != nil {
			return Setup{}, fmt.Errorf("step %s: %w", step.Key, err)
		}
		step.Done = true
		for _, p := range step.Points {
			if p.Needed && p.State != launch.Done {
				if step.Done {
					step.Note = p.Detail
				}
				step.Done = false
			}
		}
		if step.Done {
			step.Skipped, step.Note = false, "Done."
		}
		out.Steps = append(out.Steps, step)
	}
	return out, nil
}
