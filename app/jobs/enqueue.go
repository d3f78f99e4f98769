package jobs

import (
	"errors"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

var errKeyReused = &web.Error{Status: http.StatusUnprocessableEntity, Code: "idempotency_key_reused",
	Public: "This idempotency key came before with another request. Use a new key for a new job."}

var errNoEndpoint = web.Invalid(web.Field{Field: "endpoint", Code: "unknown",
	Message: "There is no such endpoint. Make one, or set SEAWORTHY_APP_JOBS_URL for the one named default."})

// jobMade is the answer to a job that was handed in. It has only what never changes,
// so that a repeat of the request gets the same.
type jobMade struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Endpoint  string    `json:"endpoint"`
	Queue     string    `json:"queue"`
	Created   time.Time `json:"created_at"`
	Duplicate bool      `json:"duplicate,omitempty"` // unique: it is the earlier job, nothing was added

	replayed bool // the request came before
}

// enqueue adds one job in the caller's transaction.
func (s *System) enqueue(tx *store.Tx, known targets, n newJob, source, idem string) (made jobMade, err error) {
	e, err := known.find(tx, n.Endpoint)
	if errors.Is(err, store.ErrNotFound) {
		return made, errNoEndpoint
	}
	if err != nil {
		return made, err
	}
	t, err := queue.EnqueueRaw(tx, n.Kind, []byte(n.Args), n.options(e, source, idem)...)
	if errors.Is(err, queue.ErrFingerprint) {
		return made, errKeyReused
	}
	if err != nil {
		return made, err
	}
	made = jobMade{ID: t.ID, Kind: n.Kind, Endpoint: e.name, Queue: n.Queue, Created: tx.Now()}
	if !t.Duplicate {
		if s.Work != nil && n.Org != "" { // what was handed in before is answered as before
			err = s.Work(tx, n.Org)
		}
		return made, err
	}
	earlier, err := queue.ByID(tx, t.ID)
	if err != nil {
		return made, err
	}
	made.Created, made.Queue = earlier.Created, unlane(earlier.Queue)
	made.replayed = idem != "" && earlier.Source == source && earlier.Idempotency == idem
	made.Duplicate = !made.replayed
	return made, nil
}

// recordEnqueued records what a request added; nothing if that was nothing.
func (s *System) recordEnqueued(tx *store.Tx, all []jobMade) error {
	var added []jobMade
	for _, m := range all {
		if !m.replayed && !m.Duplicate {
			added = append(added, m)
		}
	}
	if len(added) == 0 {
		return nil
	}
	e := audit.Event{Action: actEnqueued, Details: map[string]any{"jobs": len(added)}}
	if len(added) == 1 {
		e.Details = map[string]any{"kind": added[0].Kind, "endpoint": added[0].Endpoint}
	} else {
		e.Details["last"] = added[len(added)-1].ID
	}
	e.Targets = []audit.Ref{{Type: "job", ID: added[0].ID}}
	return s.Audit.Record(tx, e)
}

// source is where the idempotency keys of a request count: each caller has its own.
func source(r *http.Request, kind string) string {
	return kind + ":" + web.IdentityOf(r.Context()).Actor()
}

func (s *System) enqueueAPI(w http.ResponseWriter, r *http.Request) error {
	key, err := web.IdempotencyKey(r)
	if err != nil {
		return err
	}
	raw, _, err := web.ReadBody(r, "application/json")
	if err != nil {
		return err
	}
	in, err := web.DecodeJSON[jobInput](raw)
	if err != nil {
		return err
	}
	n, err := in.check(raw, s.DB.Now())
	if err != nil {
		return err
	}
	switch {
	case key == "":
		key = in.Idempotency
	case in.Idempotency != "" && in.Idempotency != key:
		return web.BadRequest("bad_idempotency_key", "The header Idempotency-Key and the field idempotency_key differ. Give one of them.")
	}
	made, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (jobMade, error) {
		made, err := s.enqueue(tx, targets{}, n, source(r, "api"), key)
		if err != nil {
			return made, err
		}
		return made, s.recordEnqueued(tx, []jobMade{made})
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/-/api/v1/jobs/"+made.ID)
	status := http.StatusCreated
	if made.Duplicate {
		status = http.StatusOK
	}
	if made.replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	return web.JSON(w, status, made)
}
