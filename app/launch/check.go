// Package launch is the vocabulary of the launch checklist: what still stands
// between an installation that can be shown and one that people can rely on. Each
// system says so itself, as data; app/ops gathers, shows and judges it.
package launch

// State is how a check stands.
type State string

// The states of a check.
const (
	Done          State = "done"
	Warn          State = "warn"    // it works, and somebody should look
	Todo          State = "todo"    // it was not done yet, or does not hold
	Unknown       State = "unknown" // it could not be found out, or was not looked at yet
	NotApplicable State = "not_applicable"
)

// Words are a state for people.
func (s State) Words() string {
	switch s {
	case Done:
		return "Done"
	case Warn:
		return "Look at it"
	case Todo:
		return "To do"
	case NotApplicable:
		return "Not needed"
	}
	return "Not known"
}

// Check is one thing that must be so before customers come.
type Check struct {
	Key    string // unique and lasting: dismissals are kept by it, as email.spf
	System string // that it belongs to: auth, billing, jobs, email, flags, audit, backups, alerts, access, server
	Title  string // what must be so, as a statement
	Why    string // what goes wrong otherwise
	Fix    string // what to do, with the option or command by its name
	Link   string // path of the page on which it is done; "" for none
	Blocks bool   // nobody should sell anything before it is so
	State  State
	Detail string // what was found, for people and without secrets
	Looked string // what a job has to look at outside of the database, as a domain; "" for checks that need no look
}

// Finding is what a look outside of the database found, for the check of the same key.
type Finding struct {
	Key    string
	State  State
	Detail string
	About  string // what was looked at: the check's Looked of that time
}

// Is returns the check with a state and with what was found.
func (c Check) Is(s State, detail string) Check {
	c.State, c.Detail = s, detail
	return c
}

// Holds returns the check as done, or else to do, with what was found in either case.
func (c Check) Holds(done bool, good, bad string) Check {
	if done {
		return c.Is(Done, good)
	}
	return c.Is(Todo, bad)
}

// Score is how far an installation is.
type Score struct {
	Percent int // of what applies, what is done; that which blocks counts three times
	Done    int // checks
	Of      int // checks that apply
	Open    int // that are to do
	Blocks  int // of these, those that block
	Doubt   int // that warn or are not known
}

// blockWeight is how many times a check that blocks counts.
const blockWeight = 3

// Rate counts checks. Those that do not apply, or were dismissed before, are to be left out by
// their state.
func Rate(all []Check) (s Score) {
	have, want := 0, 0
	for _, c := range all {
		if c.State == NotApplicable {
			continue
		}
		weight := 1
		if c.Blocks {
			weight = blockWeight
		}
		s.Of++
		want += weight
		switch {
		case c.State == Done:
			s.Done++
			have += weight
		case c.State == Todo:
			s.Open++
			if c.Blocks {
				s.Blocks++
			}
		default:
			s.Doubt++
		}
	}
	s.Percent = 100
	if want > 0 {
		s.Percent = 100 * have / want // rounded down: 100 means all
	}
	return s
}

// Exit codes of a judgement, for programs.
const (
	ExitWell  = 0
	ExitDoubt = 1 // something should be looked at
	ExitUnfit = 2 // not fit for production
)

// Exit is the code of the score.
func (s Score) Exit() int {
	switch {
	case s.Blocks > 0:
		return ExitUnfit
	case s.Open > 0 || s.Doubt > 0:
		return ExitDoubt
	}
	return ExitWell
}
