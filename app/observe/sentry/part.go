package sentry

import (
	"fmt"
	"strings"
)

// CheckIn says how a scheduled job of the app fares.
type CheckIn struct {
	ID          Text `json:"check_in_id"`
	Slug        Text `json:"monitor_slug"`
	Status      Text `json:"status"` // in_progress, ok, error
	Environment Text `json:"environment"`

	Monitor Monitor `json:"monitor_config"`
}

// Monitor is how a job is to run, as an SDK says it with a check-in. Minutes are 0 where nothing
// was said.
type Monitor struct {
	Schedule struct {
		Kind  Text `json:"type"`  // crontab or interval
		Value Text `json:"value"` // a line of a crontab, or a number
		Unit  Text `json:"unit"`  // of the number: minute, hour, day, week, month, year
	} `json:"schedule"`
	Margin  Text `json:"checkin_margin"` // minutes it may come late
	Longest Text `json:"max_runtime"`    // minutes it may run
	Zone    Text `json:"timezone"`
}

// bound clips what may be of any length: a check-in waits in memory.
func (c *CheckIn) bound() {
	m := &c.Monitor
	for _, t := range []*Text{&c.ID, &c.Environment, &m.Schedule.Kind, &m.Schedule.Value, &m.Schedule.Unit, &m.Margin, &m.Longest, &m.Zone} {
		if len(*t) > maxWord {
			*t = Text(strings.ToValidUTF8(strings.Clone(string((*t)[:maxWord])), ""))
		}
	}
}

// maxWord is how many bytes of a part of a check-in are looked at.
const maxWord = 200

// Check demands a name and a status that is known.
func (c CheckIn) Check() error {
	known := c.Status == "ok" || c.Status == "error" || c.Status == "in_progress"
	if !known || c.Slug == "" || len(c.Slug) > 100 {
		return fmt.Errorf("%w: a check-in needs a monitor and the status in_progress, ok or error", ErrMalformed)
	}
	return nil
}

// DecodeCheckIn reads a check-in.
func DecodeCheckIn(raw []byte) (c CheckIn, err error) {
	if err = unmarshal(raw, &c); err == nil {
		c.bound()
		err = c.Check()
	}
	return c, err
}

// Lost is what an SDK did not send, and why.
type Lost struct {
	Reason   Text  `json:"reason"`
	Category Text  `json:"category"`
	Quantity int64 `json:"quantity"`
}

// DecodeLost reads a client report.
func DecodeLost(raw []byte) ([]Lost, error) {
	var in struct {
		Lost Values[Lost] `json:"discarded_events"`
	}
	return in.Lost, unmarshal(raw, &in)
}

// LogLine is one line of the app's log.
type LogLine struct {
	At    Stamp  `json:"timestamp"`
	Trace Text   `json:"trace_id"`
	Level Text   `json:"level"`
	Body  Text   `json:"body"`
	Raw   Object `json:"attributes"` // see Names
}

// maxAttributes bounds how many a line or span keeps.
const maxAttributes = 64

// attributes reads {"name": {"value": …, "type": …}} into name and JSON value.
func attributes(o Object) map[string]Text {
	if len(o) == 0 {
		return nil
	}
	var in map[string]struct {
		Value Text `json:"value"`
	}
	if unmarshal(o, &in) != nil {
		return nil
	}
	out := map[string]Text{}
	for k, v := range in {
		if len(out) < maxAttributes {
			out[k] = v.Value
		}
	}
	return out
}

// Names are the attributes of a line, as text.
func (l LogLine) Names() map[string]Text { return attributes(l.Raw) }

// DecodeLogs reads an item of lines.
func DecodeLogs(raw []byte) ([]LogLine, error) {
	var in struct {
		Items Values[LogLine] `json:"items"`
	}
	return in.Items, unmarshal(raw, &in)
}

// DecodeFeedback reads what a user wrote about the app, as an event with a message.
func DecodeFeedback(raw []byte) (*Event, error) {
	e, err := DecodeEvent(raw)
	if err != nil {
		return e, err
	}
	var in struct {
		Contexts struct {
			Feedback struct {
				Message Text `json:"message"`
				Email   Text `json:"contact_email"`
				Name    Text `json:"name"`
			} `json:"feedback"`
		} `json:"contexts"`
	}
	if unmarshal(raw, &in) == nil {
		f := in.Contexts.Feedback
		e.Message = Message{Text: "Feedback: " + string(f.Message)}
		if e.User.Email == "" {
			e.User.Email, e.User.Name = f.Email, f.Name
		}
	}
	e.Level = "info"
	return e, nil
}

// DecodeReport reads a report of a browser about a policy that was violated (Content Security
// Policy, section "Reporting"), as an event with a message.
func DecodeReport(raw []byte) (*Event, error) {
	var in struct {
		CSP struct {
			Document  Text `json:"document-uri"`
			Directive Text `json:"effective-directive"`
			Violated  Text `json:"violated-directive"`
			Blocked   Text `json:"blocked-uri"`
		} `json:"csp-report"`
	}
	if err := unmarshal(raw, &in); err != nil {
		return nil, err
	}
	r := in.CSP
	if r.Directive == "" {
		r.Directive = r.Violated
	}
	if r.Directive == "" {
		return nil, fmt.Errorf("%w: no report of a policy", ErrMalformed)
	}
	e := &Event{Level: "warning", Platform: "javascript", Culprit: r.Directive,
		Message: Message{Text: "Blocked by the page's policy (" + string(r.Directive) + "): " + string(r.Blocked), Template: "Blocked by " + string(r.Directive) + ": " + string(r.Blocked)}}
	e.Request.URL = r.Document
	return e, nil
}
