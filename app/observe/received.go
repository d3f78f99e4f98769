package observe

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/observe/sentry"
	"seaworthy/app/redact"
)

// Received is what an event says that came from a program outside.
type Received struct {
	Project     int64             `json:"project"`
	ProjectName string            `json:"project_name"`
	EventID     string            `json:"event_id,omitempty"`
	Level       string            `json:"level"`
	Platform    string            `json:"platform,omitempty"`
	Environment string            `json:"environment,omitempty"`
	Server      string            `json:"server,omitempty"`
	Transaction string            `json:"transaction,omitempty"`
	SDK         string            `json:"sdk,omitempty"`
	Stated      time.Time         `json:"stated_at,omitzero"` // by its own clock, where that is wrong
	Chain       []Link            `json:"exceptions,omitempty"`
	Method      string            `json:"method,omitempty"`
	URL         string            `json:"url,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	UserID      string            `json:"user_id,omitempty"`
	UserEmail   string            `json:"user_email,omitempty"`
	UserName    string            `json:"user_name,omitempty"`
	UserAddr    string            `json:"user_ip,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Contexts    string            `json:"contexts,omitempty"` // JSON, indented, without secrets
	Extra       string            `json:"extra,omitempty"`
}

// Link is one exception of a chain: what was thrown first, then what caused it.
type Link struct {
	Type    string  `json:"type"`
	Value   string  `json:"value,omitempty"`
	Handled *bool   `json:"handled,omitempty"`
	Frames  []Frame `json:"frames,omitempty"` // the innermost first
}

// receive keeps what an envelope holds, and returns the id of its event.
func (s *System) receive(r *http.Request, p Project, e *sentry.Envelope) (id string, err error) {
	for kind, n := range e.Skipped {
		if kind != "attachment" && kind != "profile" && kind != "replay_event" && kind != "replay_recording" {
			kind = "item" // names that senders choose are no names of ours
		}
		s.drops.count(kind, "not_kept", int64(n))
	}
	take, err := s.decode(p, e, &id)
	if err != nil {
		return "", err
	}
	for _, act := range take {
		act()
	}
	s.forward(r, p, e, id)
	return id, nil
}

// decode reads every item before anything is kept: an envelope counts whole or not at all.
func (s *System) decode(p Project, e *sentry.Envelope, id *string) (take []func(), err error) {
	*id = eventID(string(e.ID))
	for _, item := range e.Items {
		switch item.Type {
		case "event", "feedback":
			decode := sentry.DecodeEvent
			if item.Type == "feedback" {
				decode = sentry.DecodeFeedback
			}
			event, err := decode(item.Payload)
			if err != nil {
				return nil, err
			}
			if *id == "" {
				*id = eventID(string(event.ID))
			}
			if *id == "" {
				*id = newKey() // of the same form
			}
			event.ID = sentry.Text(*id)
			take = append(take, func() { s.keep(p, event, e.SentAt.Time) })
		case "log":
			lines, err := sentry.DecodeLogs(item.Payload)
			if err != nil {
				return nil, err
			}
			take = append(take, func() { s.appLog(p, lines, e.SentAt.Time) })
		case "check_in":
			c, err := sentry.DecodeCheckIn(item.Payload)
			if err != nil {
				return nil, err
			}
			take = append(take, func() { s.checkIn(p, c) })
		case "transaction", "span":
			spans, err := sentry.DecodeSpans(item.Type, item.Payload)
			if err != nil {
				return nil, err
			}
			take = append(take, func() { s.keepSpans(p, spans, e.SentAt.Time) })
		case "client_report":
			lost, err := sentry.DecodeLost(item.Payload)
			if err != nil {
				return nil, err
			}
			take = append(take, func() {
				for _, l := range lost {
					if l.Quantity > 0 && l.Quantity < 1<<40 {
						s.drops.count("client", "not_sent", l.Quantity)
					}
				}
			})
		case "session", "sessions":
			if !json.Valid(item.Payload) {
				return nil, sentry.ErrMalformed
			}
			take = append(take, func() { s.drops.count("session", "not_kept", 1) })
		}
	}
	return take, nil
}

// keep counts an event, unless it came before, and keeps it if it is one of those.
func (s *System) keep(p Project, in *sentry.Event, sentAt time.Time) {
	if in.ID != "" && !s.known.first(string(in.ID)) {
		s.drops.count("event", "duplicate", 1)
		return
	}
	e := Event{Kind: KindError, App: &Received{Project: p.ID, ProjectName: p.Name}}
	e.At, e.App.Stated = s.happened(in.At.Time, sentAt)
	e.group = groupOf(p.ID, in)
	e.summarise(in)
	s.Count(Series{Errors, p.Name}, 0, true)
	s.errors.add(e, func(e *Event) { e.detail(in) }, func() int64 { return s.seq.Add(1) })
}

// Clocks of clients are wrong. One that is off by more than slackClock is corrected by when
// it says it sent; what is then still impossible happened when it came.
const (
	slackClock = time.Minute
	oldest     = 30 * 24 * time.Hour
)

// happened is when an event happened, by our clock; stated is what its own said, if that is wrong.
func (s *System) happened(stated, sentAt time.Time) (at, wrong time.Time) {
	now := s.now()
	if stated.IsZero() {
		return now, time.Time{}
	}
	at = stated
	if off := now.Sub(sentAt); !sentAt.IsZero() && (off > slackClock || off < -slackClock) {
		at = at.Add(off)
	}
	if at.After(now.Add(slackClock)) || at.Before(now.Add(-oldest)) {
		at = now
	}
	if at.After(now) {
		at = now
	}
	if d := at.Sub(stated); d > slackClock || d < -slackClock {
		return at, stated
	}
	return at, time.Time{}
}

// appLog puts the lines of an app's log among ours.
func (s *System) appLog(p Project, lines []sentry.LogLine, sentAt time.Time) {
	for _, in := range lines {
		l := Line{Level: levelOf(string(in.Level)), Message: redact.Text(clip(string(in.Body), maxMessage)), Trace: clip(string(in.Trace), 64)}
		l.At, _ = s.happened(in.At.Time, sentAt)
		names := map[string]string{"project": p.Name}
		left := maxAttrs / 2
		for k, v := range in.Names() {
			if k = clip(k, 100); left > len(k)+len(v) && v != "" {
				names[k] = hide(k, string(v))
				left -= len(k) + len(v)
			}
		}
		l.Attrs, _ = json.Marshal(names)
		s.admit(&l)
	}
}

// checkIn says in the log how a scheduled job of an app fares.
func (s *System) checkIn(p Project, c sentry.CheckIn) {
	l := Line{At: s.now(), Level: slog.LevelInfo, Message: "check-in"}
	if c.Status == "error" {
		l.Level = slog.LevelError
	}
	l.Attrs, _ = json.Marshal(map[string]string{"project": p.Name, "monitor": redact.Text(string(c.Slug)), "status": string(c.Status), "check_in": clip(string(c.ID), 64)})
	s.admit(&l)
	s.checkIns.add(checkIn{p, c, l.At})
}

func levelOf(name string) slog.Level {
	switch strings.ToLower(name) {
	case "trace", "debug":
		return slog.LevelDebug
	case "warn", "warning":
		return slog.LevelWarn
	case "error", "fatal", "critical":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// hide is a value without what is secret, by its name or its looks.
func hide(name, value string) string {
	if redact.Name(strings.ReplaceAll(name, "-", "_")) {
		return redact.Hidden
	}
	if isQuery(name) {
		return hideQuery(clip(value, maxValue))
	}
	return redact.Text(clip(value, maxValue))
}
