package audit

import (
	"net/url"
	"time"
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

// actorLabel is how people know the actor: by address while it has not been
// erased, by id after that.
func (e Entry) actorLabel() string {
	switch {
	case e.ActorEmail != "":
		return e.ActorEmail
	case e.Actor.Type == "system":
		return "Seaworthy"
	case e.Actor.Type == "anonymous":
		return "Nobody signed in"
	}
	return ""
}
