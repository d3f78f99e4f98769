package ops

import (
	"fmt"
	"time"

	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/store"
	"seaworthy/store/replica"
)

// Check is one point of the launch checklist; see package launch.
type Check = launch.Check

// Source is what a system says of itself. It reads alone, and goes by the configuration it
// is given, so that it can be asked of the file of a server that is stopped.
type Source struct {
	System string
	Checks func(tx *store.Tx, c *config.Config) ([]Check, error)
}

// Point is a check, and what people decided of it.
type Point struct {
	Check
	LookedAt  time.Time // when what is told of it was found out; zero: now
	Dismissed *Dismissal
}

// Dismissal says that a check is not for this installation.
type Dismissal struct {
	Why, By string
	At      time.Time
}

// Open says whether somebody has to do something about it.
func (i Point) Open() bool {
	return i.Dismissed == nil && (i.State == launch.Todo || i.State == launch.Warn || i.State == launch.Unknown)
}

// findingKept is how long a finding is believed.
const findingKept = 3 * 24 * time.Hour

// Checklist asks every source, adds what looks have found, and what was dismissed. A source
// that fails is a point of its own, so that one fault hides nothing else.
func Checklist(tx *store.Tx, c *config.Config, sources []Source, live []launch.Finding) ([]Point, error) {
	found, err := findings(tx)
	if err != nil {
		return nil, fmt.Errorf("what looks have found: %w", err)
	}
	dismissed, err := dismissals(tx)
	if err != nil {
		return nil, fmt.Errorf("what was dismissed: %w", err)
	}
	now := map[string]launch.Finding{}
	for _, f := range live {
		now[f.Key] = f
	}
	var all []Point
	for _, s := range sources {
		checks, err := s.Checks(tx, c)
		if err != nil {
			checks = []Check{{Key: s.System + ".unread", System: s.System, Title: "This could not be checked", Why: "What is not known cannot be relied on.",
				Fix: "Look at the log.", State: launch.Unknown, Detail: "The check itself failed."}}
		}
		for _, k := range checks {
			i := Point{Check: k}
			// A finding counts for what it was made of alone: not for the domain or the bucket before.
			if f, ok := found[k.Key]; ok && k.Looked != "" && f.About == k.Looked && tx.Now().Sub(f.at) < findingKept {
				i.State, i.Detail, i.LookedAt = f.State, f.Detail, f.at
			}
			if f, ok := now[k.Key]; ok && k.Looked != "" {
				i.State, i.Detail, i.LookedAt = f.State, f.Detail, time.Time{}
			}
			if d, ok := dismissed[k.Key]; ok {
				i.Dismissed = &d
			}
			all = append(all, i)
		}
	}
	return all, nil
}

// Rate counts points; those that were dismissed do not apply.
func Rate(points []Point) launch.Score {
	checks := make([]Check, 0, len(points))
	for _, i := range points {
		if i.Dismissed == nil {
			checks = append(checks, i.Check)
		}
	}
	return launch.Rate(checks)
}

// Checklist is that of the running server.
func (s *System) Checklist(tx *store.Tx) ([]Point, error) {
	return Checklist(tx, s.Config, s.Sources, s.live())
}

// Score is how far the running server is.
func (s *System) Score(tx *store.Tx) (launch.Score, error) {
	points, err := s.Checklist(tx)
	return Rate(points), err
}

// live is what only the running server knows.
func (s *System) live() []launch.Finding {
	st, on := s.Status()
	if !on {
		return nil
	}
	return judgeReplica(st, s.DB.FailErr() != nil)
}

// judgeReplica says how the replica does; fenced: nothing may be written any more, as when
// another machine has the lease.
func judgeReplica(st replica.Status, fenced bool) []launch.Finding {
	fresh := launch.Finding{Key: keyFresh, State: launch.Done, Detail: "Everything is there but the last moment."}
	switch {
	case st.Stale:
		fresh.State, fresh.Detail = launch.Todo, fmt.Sprintf("The newest %.0f s of changes are only on this machine.", st.LagSeconds)
	case st.LagSeconds > 10:
		fresh.State, fresh.Detail = launch.Warn, fmt.Sprintf("It is %.0f s behind.", st.LagSeconds)
	}
	lease := launch.Finding{Key: keyLease, State: launch.Done, Detail: "It writes epoch " + st.Epoch + "."}
	if fenced || st.Epoch == "" {
		lease.State, lease.Detail = launch.Todo, "It does not write to the replica."
	}
	return []launch.Finding{fresh, lease}
}
