package billing

import (
	"context"
	"net/http"
	"slices"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

type eventsOutput struct {
	Data []eventOutput `json:"data"`
	Next string        `json:"next_cursor"`
}

type eventOutput struct {
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	Object   string    `json:"object"`
	Customer string    `json:"customer"`
	State    string    `json:"state"`
	Note     string    `json:"note,omitempty"`
	Source   string    `json:"source"`
	Version  string    `json:"api_version"`
	Created  time.Time `json:"created_at"`
	Received time.Time `json:"received_at"`
}

// eventPage are events of a state, "" for all, the newest first.
func (s *System) eventPage(r *http.Request, limit int) (rows []eventRow, next string, err error) {
	before, id, err := cursorOf(r)
	if err != nil {
		return nil, "", err
	}
	state := r.URL.Query().Get("state")
	var c web.Check
	if c.Fault(slices.Contains([]string{"", eventQueued, eventDone, eventParked}, state), "state", "unknown", "An event is queued, done or parked."); c.Err() != nil {
		return nil, "", c.Err()
	}
	rows, err = store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]eventRow, error) {
		if state != "" {
			return store.All(tx, scanEvent, eventColumns+`WHERE state = ? AND (received_at, id) < (?, ?) ORDER BY received_at DESC, id DESC LIMIT ?`, state, before, id, limit+1)
		}
		return store.All(tx, scanEvent, eventColumns+`WHERE (received_at, id) < (?, ?) ORDER BY received_at DESC, id DESC LIMIT ?`, before, id, limit+1)
	})
	rows, next = cut(rows, limit, func(e eventRow) string { return cursorText(e.received.UnixMilli(), e.id) })
	return rows, next, err
}

func (s *System) eventsAPI(w http.ResponseWriter, r *http.Request) error {
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	rows, next, err := s.eventPage(r, limit)
	if err != nil {
		return err
	}
	out := eventsOutput{Data: []eventOutput{}, Next: next}
	for _, e := range rows {
		out.Data = append(out.Data, eventOutput{ID: e.id, Type: e.typ, Object: e.object, Customer: e.customer, State: e.state, Note: e.note, Source: e.source, Version: e.version, Created: e.created, Received: e.received})
	}
	return web.JSON(w, http.StatusOK, out)
}

// Replay has an event looked at once more, whatever became of it.
func (s *System) Replay(ctx context.Context, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		e, err := eventByID(tx, id)
		if err != nil {
			return err
		}
		if err := tx.ExecOne(`UPDATE billing_event SET state = 'queued', note = '', fetch_no = 0, done_at = NULL WHERE id = ?`, id); err != nil {
			return err
		}
		if _, err := queue.Enqueue(tx, Look{Event: id}, queue.Key(lockOf(e, subjects[e.typ]), 1)); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actReplayed, Targets: []audit.Ref{{Type: "customer", ID: e.customer}}, Details: map[string]any{"event": id, "type": e.typ}})
	})
}

func (s *System) replayAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.Replay(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
