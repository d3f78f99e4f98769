package observe

import (
	"context"
	"fmt"
	"sync"
	"time"

	"seaworthy/app/redact"
	"seaworthy/store"
)

// signal says that an issue began, or came back.
type signal struct {
	rule  string
	issue Issue
	job   string // of its last event: an alert's own mail must not be alerted of
}

// signals wait for the next look. More than fit are counted.
type signals struct {
	mu      sync.Mutex
	waiting []signal
	more    int
}

const (
	// mostSignals is how many issues get an alert of their own at one look; the others share one.
	mostSignals = 20
	// mostWaiting is how many wait for a look: some alerts are open already, or their rules are off.
	mostWaiting = 4 * mostSignals
)

func (s *signals) add(all []signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, all...)
	s.bound()
}

// bound leaves those that came first, and counts the rest.
func (s *signals) bound() {
	if beyond := len(s.waiting) - mostWaiting; beyond > 0 {
		s.waiting, s.more = s.waiting[:mostWaiting], s.more+beyond
	}
}

func (s *signals) take() (all []signal, more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, more = s.waiting, s.more
	s.waiting, s.more = nil, 0
	return all, more
}

// back returns what could not be stored.
func (s *signals) back(all []signal, more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.more = append(all, s.waiting...), s.more+more
	s.bound()
}

// missed finds, once after a start, what began shortly before the last process ended and was not
// told of.
func (s *System) missed(ctx context.Context) (found []signal, err error) {
	since := s.now().Add(-10 * time.Minute)
	err = s.issues(ctx, func(tx *store.Tx) error {
		all, _, err := listIssues(tx, IssueFilter{Status: "open", Limit: mostWaiting}, s.now().UnixMilli()+1, "")
		for _, i := range all {
			switch {
			case i.FirstSeen.After(since):
				found = append(found, signal{rule: ruleNew, issue: i})
			case i.RegressedAt.After(since):
				found = append(found, signal{rule: ruleRegressed, issue: i})
			}
		}
		return err
	})
	return found, err
}

// alert is what people are told of an issue.
func (g signal) alert() Alert {
	i := g.issue
	a := Alert{Rule: g.rule, Subject: i.ID, Title: "New error: " + i.Title, Detail: "It was never seen before" + where(i), Number: "seen " + times(i.N), Release: i.LastRelease, Path: errorsBase + "/" + i.ID}
	if g.rule == ruleRegressed {
		a.Title, a.Detail = "Error is back: "+i.Title, "It was resolved and is seen again"+where(i)
		a.Before = "first seen " + i.FirstSeen.UTC().Format(stamp)
	}
	a.Title = clip(redact.Text(a.Title), 200)
	return a
}

// where says where an issue happened, as the end of a sentence.
func where(i Issue) string {
	if i.Culprit == "" {
		return "."
	}
	return ", in " + i.Culprit + "."
}

// stamp is a time as people read it.
const stamp = "2 Jan 2006, 15:04 UTC"

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// shared is the alert of those that got none of their own. A second storm while it is open is the
// same one.
func shared(n int) Alert {
	return Alert{Rule: ruleNew, Subject: "more", Title: fmt.Sprintf("%d more new errors", n), Detail: "So many errors began at once that they are told of together.", Number: fmt.Sprintf("%d errors", n), Path: errorsBase}
}

// overIssue reports whether an alert about an issue is over: nobody needs to look at the issue any
// more, or it was not seen for a day.
func (s *System) overIssue(tx *store.Tx, a Alert, now time.Time) (over bool, note string) {
	if a.Subject == "more" {
		return now.Sub(a.FiredAt) > time.Hour, "no such storm for an hour"
	}
	i, err := issueByID(tx, a.Subject)
	switch {
	case err != nil:
		return true, "the error is not kept any more"
	case i.Status != "open":
		return true, "the error is " + i.Status
	case now.Sub(i.LastSeen) > 24*time.Hour && now.Sub(a.FiredAt) > 24*time.Hour:
		return true, "not seen for a day"
	}
	return false, ""
}
