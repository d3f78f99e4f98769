package audit

import (
	"net/url"
	"time"

	"seaworthy/app/web"
)

// Row is an event as a table shows it.
type Row struct {
	Path, Base         string // of the event, and of the list it stands in
	Title, Action      string
	Actor, ActorLabel  string // type:id, and what people read
	Behalf             string // whom an impersonator acted for; "" otherwise
	Target, Source     string
	IP, RequestID, Org string
	Seq                int64
	At                 time.Time
	Dropped            bool
}

// Rows are events as the list at base shows them.
func (l *Log) Rows(entries []Entry, base string) []Row {
	out := make([]Row, len(entries))
	for i, e := range entries {
		out[i] = Row{Path: base + "/events/" + url.PathEscape(e.ID), Base: base, Title: l.Title(e.Action), Action: string(e.Action), Actor: e.Actor.String(), ActorLabel: e.actorLabel(),
			IP: e.Personal["ip"], RequestID: e.RequestID, Org: e.Org, Seq: e.Seq, At: e.Time, Source: e.Source, Dropped: e.Dropped}
		if e.OnBehalfOf != (Ref{}) {
			out[i].Behalf = e.OnBehalfOf.String()
		}
		if len(e.Targets) > 0 {
			out[i].Target = e.Targets[0].String()
		}
	}
	return out
}

// ourselves is what the console calls this program where it did something by itself.
const ourselves = "Seaworthy"

// branded is an actor's label on pages for customers, who know this program by the brand's name.
func (s *System) branded(label string, org web.Org) string {
	if label == ourselves && org.ID != "" {
		return s.Pages.Site().Brand
	}
	return label
}

// actorLabel is how people know the actor: by address while it has not been
// erased, by id after that.
func (e Entry) actorLabel() string {
	switch {
	case e.ActorEmail != "":
		return e.ActorEmail
	case e.Actor.Type == "system":
		return ourselves
	case e.Actor.Type == "anonymous":
		return "Nobody signed in"
	}
	return ""
}
