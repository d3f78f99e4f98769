package jobs

import (
	"cmp"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/store"
)

// HandedIn is a job of the app's that comes another way than by the API, checked by
// whoever brings it.
type HandedIn struct {
	ID          string // with its source, the idempotency key
	Kind        string
	Args        json.RawMessage
	Endpoint    string // "" for the default one
	Queue       string // "" for the default one
	Key         string // jobs of an endpoint with the same key run one at a time; "" for none
	Priority    int
	RunAt       time.Time // zero for at once
	Fingerprint []byte
}

// ErrReused says that the id was that of another job.
var ErrReused = error(errKeyReused)

// HandIn adds a job in the caller's transaction and reports whether it is a new one.
// It returns store.ErrNotFound for an endpoint that does not exist, and ErrReused.
func (s *System) HandIn(tx *store.Tx, source string, h HandedIn) (added bool, err error) {
	in := jobInput{Kind: h.Kind, Args: jsontext.Value(h.Args), Endpoint: cmp.Or(h.Endpoint, defaultName), Queue: cmp.Or(h.Queue, "default"), Priority: h.Priority}
	if !h.RunAt.IsZero() {
		in.RunAt = &h.RunAt
	}
	if h.Key != "" {
		in.Concurrency = &concurrencyInput{Key: h.Key, Limit: 1}
	}
	if _, err := findEndpoint(tx, in.Endpoint); err != nil {
		return false, err
	}
	made, err := s.enqueue(tx, targets{}, newJob{in, h.Fingerprint}, source, h.ID)
	if errors.Is(err, errKeyReused) {
		return false, ErrReused
	}
	return err == nil && !made.replayed && !made.Duplicate, err
}
