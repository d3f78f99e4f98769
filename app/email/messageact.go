package email

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

func conflict(code, public string) error {
	return &web.Error{Status: http.StatusConflict, Code: code, Public: public}
}

// cancel takes back a message that waits. What a provider is being asked to take just
// now cannot be taken back.
func (s *System) cancel(ctx context.Context, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		m, err := queuedMessage(tx, id)
		if err != nil {
			return err
		}
		if m.status != "queued" {
			return conflict("not_waiting", "This message does not wait any more: it is "+m.status+".")
		}
		past, err := attemptsOf(tx, id)
		if err != nil {
			return err
		}
		for _, a := range past {
			if a.ended == 0 {
				return conflict("being_sent", "A provider is being asked to take this message just now.")
			}
		}
		if err := s.queue.Cancel(tx, m.job); err != nil && !isGone(err) {
			return err
		}
		if err := markEnded(tx, id, string(Cancelled), "taken back"); err != nil {
			return err
		}
		if _, _, err := addEvent(tx, Event{Message: id, Kind: Cancelled}); err != nil {
			return err
		}
		return s.Audit.Record(tx, s.event(actCancelled, m))
	})
}

// resend has a message sent once more, and returns its id: the same one if it never
// left, or a copy.
func (s *System) resend(ctx context.Context, id string) (string, error) {
	m, err := store.Read(ctx, s.DB, func(tx *store.Tx) (messageRow, error) { return queuedMessage(tx, id) })
	if err != nil {
		return "", err
	}
	if _, _, err := s.opened(ctx, m); errors.Is(err, errWiped) || isGone(err) {
		return "", conflict("not_kept", "What was in this message is not kept any more. Send it anew.")
	} else if err != nil {
		return "", err
	}
	copied, err := s.copied(m)
	if err != nil {
		return "", err
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (string, error) {
		now, err := queuedMessage(tx, id)
		if err != nil {
			return "", err
		}
		if now.status == "queued" {
			return "", conflict("waiting", "This message still waits to be sent.")
		}
		if now.expires > 0 && now.expires < tx.Now().UnixMilli() {
			return "", conflict("expired", "This message is of no use any more: its time is over.")
		}
		if p, err := s.suppressed(tx, m.norm, m.class, m.category); err == nil {
			return "", conflict("suppressed", "The address is suppressed ("+p.Reason+"). Lift that first.")
		} else if !isGone(err) {
			return "", err
		}
		e := s.event(actResent, m)
		if neverLeft(now.status) {
			return id, errors.Join(s.again(tx, now, "sent again by hand"), s.Audit.Record(tx, e))
		}
		if err := s.insertCopy(tx, copied, id); err != nil {
			return "", err
		}
		e.Targets = append(e.Targets, audit.Ref{Type: "message", ID: copied.id})
		return copied.id, s.Audit.Record(tx, e)
	})
}

// neverLeft says of a status that the message is not known to have left: then it is sent
// again as itself. Of one that left a copy is sent, because its events are its own.
func neverLeft(status string) bool {
	return slices.Contains([]string{"failed", "cancelled", "expired", "suppressed", "unknown"}, status)
}

// copied is a message with the same words and another id.
func (s *System) copied(m messageRow) (messageRow, error) {
	c := m
	c.id, c.status, c.job, c.slot, c.sendAt = s.DB.NewID("msg"), "", "", 0, 0
	if m.vars == nil {
		return c, nil
	}
	raw, err := s.Keys.Open("mail", m.id, m.vars)
	c.vars = s.Keys.Seal("mail", c.id, raw)
	return c, err
}

func (s *System) insertCopy(tx *store.Tx, c messageRow, of string) error {
	if err := s.enqueue(tx, c); err != nil {
		return err
	}
	var r requestRow // none for a mail of our own, which has no tags
	if c.request != "" {
		var err error
		if r, err = requestByID(tx, c.request); err != nil {
			return err
		}
	}
	for _, tag := range r.tags {
		if err := insertTag(tx, tag, c.id); err != nil {
			return err
		}
	}
	_, _, err := addEvent(tx, Event{Message: of, Kind: Queued, Details: map[string]any{"reason": "a copy was sent again by hand", "copy": c.id}})
	return err
}

func (s *System) cancelAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.cancel(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return s.tellMessage(w, r, r.PathValue("id"))
}

func (s *System) resendAPI(w http.ResponseWriter, r *http.Request) error {
	id, err := s.resend(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	w.Header().Set("Location", apiMessages+"/"+id)
	return s.tellMessage(w, r, id)
}

func (s *System) cancelForm(w http.ResponseWriter, r *http.Request) error {
	return s.afterMessageAct(w, r, r.PathValue("id"), s.cancel(r.Context(), r.PathValue("id")), "cancelled")
}

func (s *System) resendForm(w http.ResponseWriter, r *http.Request) error {
	id, err := s.resend(r.Context(), r.PathValue("id"))
	if id == "" {
		id = r.PathValue("id")
	}
	return s.afterMessageAct(w, r, id, err, "resent")
}

// afterMessageAct shows the message, and why nothing was done if that is so.
func (s *System) afterMessageAct(w http.ResponseWriter, r *http.Request, id string, err error, done string) error {
	if e := web.AsError(err); err != nil && e.Status == http.StatusConflict {
		return s.showMessage(w, r, id, http.StatusConflict, e.Public)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, consoleBase+"/messages/"+id+"?done="+done)
}
