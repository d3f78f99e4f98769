package email

import (
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// sentJSON is what became of a request.
type sentJSON struct {
	Request  string        `json:"id"`
	Messages []handedInOne `json:"messages"`
}

// handedInOne is one message of a request.
type handedInOne struct {
	ID     string `json:"id"`
	To     string `json:"to"`
	Status string `json:"status"`           // queued, scheduled or suppressed
	Reason string `json:"reason,omitempty"` // why it is suppressed
}

// sendAPI takes mail of the app's. It answers when the mail is stored: it is sent by
// a job, and what becomes of it is told by the message's status.
func (s *System) sendAPI(w http.ResponseWriter, r *http.Request) error {
	leave, err := s.largeDoor(r)
	if err != nil {
		return err
	}
	defer leave()
	in, err := web.Decode[sendIn](r)
	if err != nil {
		return err
	}
	d, err := s.draft(r.Context(), in)
	if err != nil {
		return err
	}
	out, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (sentJSON, error) { return s.handIn(tx, d) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusAccepted, out)
}

// handIn stores a request with its messages and their jobs.
func (s *System) handIn(tx *store.Tx, d draft) (out sentJSON, err error) {
	out.Request = d.request.id
	if err := insertRequest(tx, d.request); err != nil {
		return out, err
	}
	for i, f := range d.files {
		if err := insertFile(tx, d.request.id, i, f); err != nil {
			return out, err
		}
	}
	e := audit.Event{Action: actHandedIn, Details: map[string]any{"messages": len(d.messages)}}
	for _, m := range d.messages {
		one, err := s.handInOne(tx, m, d.request.tags)
		if err != nil {
			return out, err
		}
		out.Messages = append(out.Messages, one)
		e.Targets = append(e.Targets, audit.Ref{Type: "message", ID: m.id})
		if m.template != "" {
			e.Details["template"] = m.template
		}
	}
	return out, s.Audit.Record(tx, e)
}

// handInOne stores one message. One to a suppressed address is kept and not sent, so
// that its timeline says why.
func (s *System) handInOne(tx *store.Tx, m messageRow, tags []string) (one handedInOne, err error) {
	one = handedInOne{ID: m.id, To: m.recipient, Status: "queued"}
	p, err := s.suppressed(tx, m.norm, m.class, m.category)
	switch {
	case err == nil:
		one.Status, one.Reason = "suppressed", p.Reason
		if err := s.insertSuppressed(tx, m, p); err != nil {
			return one, err
		}
	case !isGone(err):
		return one, err
	default:
		if err := s.enqueue(tx, m); err != nil {
			return one, err
		}
		if m.sendAt > 0 {
			one.Status = "scheduled"
		}
	}
	for _, tag := range tags {
		if err := insertTag(tx, tag, m.id); err != nil {
			return one, err
		}
	}
	return one, nil
}

func (s *System) insertSuppressed(tx *store.Tx, m messageRow, p Suppression) error {
	m.status = string(Suppressed)
	if m.onUnknown == "" {
		m.onUnknown = onUnknownHold
	}
	if err := insertMessage(tx, m); err != nil {
		return err
	}
	_, _, err := addEvent(tx, Event{Message: m.id, Kind: Suppressed, Recipient: m.norm, Details: map[string]any{"reason": "the address is suppressed: " + p.Reason}})
	return err
}

// largeDoor lets two requests in at once whose files need much memory.
func (s *System) largeDoor(r *http.Request) (leave func(), err error) {
	if r.ContentLength >= 0 && r.ContentLength <= largeSend {
		return func() {}, nil
	}
	select {
	case s.large <- struct{}{}:
		return func() { <-s.large }, nil
	default:
		return nil, &web.Error{Status: http.StatusServiceUnavailable, Code: "busy", RetryAfter: time.Second, Public: "Other mail with large files is being taken just now. Try again in a second."}
	}
}
