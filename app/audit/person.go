package audit

import (
	"context"
	"time"

	"seaworthy/store"
)

// personSink hands events to the export of one person.
type personSink struct {
	s       *System
	subject Ref
	about   bool // of what others did, his own events were handed over before
	row     func(any) error
}

// personEvent is an event as its person gets it: with his own personal data and
// nobody else's, and without the ids of other people.
type personEvent struct {
	Time     time.Time         `json:"time"`
	Action   Action            `json:"action"`
	Title    string            `json:"title"`
	Actor    Ref               `json:"actor"`
	Targets  []Ref             `json:"targets,omitempty"`
	Org      string            `json:"org,omitempty"`
	Changes  map[string]Change `json:"changes,omitempty"`
	Details  map[string]any    `json:"details,omitempty"`
	Personal map[string]string `json:"personal,omitempty"`
	ID       string            `json:"id"`
}

// ExportPerson hands over every event that a user caused, then every other one
// that is about him, the oldest of each first.
func (s *System) ExportPerson(ctx context.Context, user string, row func(any) error) error {
	subject := User(user)
	if _, err := s.pour(ctx, Filter{Actor: subject.String()}, personSink{s: s, subject: subject, row: row}); err != nil {
		return err
	}
	_, err := s.pour(ctx, Filter{Target: subject.String()}, personSink{s: s, subject: subject, about: true, row: row})
	return err
}

func (p personSink) event(_ *store.Tx, e Entry) error {
	if p.about && e.Actor == p.subject {
		return nil
	}
	out := personEvent{Time: e.Time, Action: e.Action, Title: p.s.Title(e.Action), Actor: p.masked(e.Actor), Org: e.Org,
		Changes: e.Changes, Details: e.Details, Personal: map[string]string{}, ID: e.ID}
	for _, t := range e.Targets {
		out.Targets = append(out.Targets, p.masked(t))
	}
	for _, d := range e.disclosures {
		for _, item := range d.items {
			if name, value, ok := openItem(item); ok && d.subject == p.subject {
				out.Personal[name] = value
			}
		}
	}
	return p.row(out)
}

func (p personSink) close() error { return nil }

// masked takes the id from another user.
func (p personSink) masked(r Ref) Ref {
	if r.Type == "user" && r != p.subject {
		r.ID = ""
	}
	return r
}
