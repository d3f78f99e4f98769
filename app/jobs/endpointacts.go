package jobs

import (
	"fmt"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/app/webhook"
	"seaworthy/queue"
	"seaworthy/store"
)

type endpointInput struct {
	Name        string `json:"name"`
	URL         string `json:"url"`
	Concurrency int    `json:"concurrency,omitempty"`
	Timeout     int    `json:"timeout_seconds,omitempty"`
}

// limits checks the two limits of an endpoint.
func limits(c *web.Check, concurrency, seconds int) {
	c.Fault(concurrency >= 1 && concurrency <= maxConcurrency, "concurrency", "range", fmt.Sprintf("From 1 to %d deliveries at once.", maxConcurrency))
	c.Fault(seconds >= 1 && seconds <= int(maxTimeout/time.Second), "timeout_seconds", "range", fmt.Sprintf("From 1 to %d seconds.", int(maxTimeout/time.Second)))
}

// checkEndpoint fills in what is left out of a new endpoint and says what is wrong with it.
func (s *System) checkEndpoint(in *endpointInput) error {
	if in.Concurrency == 0 {
		in.Concurrency = defaultConcurrency
	}
	if in.Timeout == 0 {
		in.Timeout = int(defaultTimeout / time.Second)
	}
	var c web.Check
	c.Fault(endpointForm.MatchString(in.Name), "name", "form", "Up to 40 small letters, digits and hyphens, the first a letter.")
	s.checkURL(&c, in.URL)
	limits(&c, in.Concurrency, in.Timeout)
	return c.Err()
}

// addEndpoint stores a new endpoint that was checked.
func (s *System) addEndpoint(tx *store.Tx, in endpointInput, secret webhook.Secret) (endpoint, error) {
	all, err := listEndpoints(tx, maxEndpoints)
	if err != nil {
		return endpoint{}, err
	}
	if len(all) >= maxEndpoints {
		return endpoint{}, web.Invalid(web.Field{Field: "name", Code: "too_many", Message: fmt.Sprintf("At most %d endpoints can be made.", maxEndpoints)})
	}
	e := endpoint{id: tx.NewID(endpointPrefix), name: in.Name, url: in.URL, concurrency: in.Concurrency, timeout: time.Duration(in.Timeout) * time.Second}
	if err := s.makeEndpoint(tx, e, secret); err != nil {
		return e, err
	}
	return findEndpoint(tx, e.id)
}

// endpointChange has what is to change; what it leaves out stays.
type endpointChange struct {
	URL         *string `json:"url,omitempty"`
	Concurrency *int    `json:"concurrency,omitempty"`
	Timeout     *int    `json:"timeout_seconds,omitempty"`
	Enabled     *bool   `json:"enabled,omitempty"`
}

// or is what v points to; otherwise if it points to nothing.
func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}

// change applies what differs and records it.
func (s *System) change(tx *store.Tx, e endpoint, in endpointChange) error {
	changes := map[string]audit.Change{}
	if u := or(in.URL, e.url); u != e.url {
		if e.configured {
			return errConfigured
		}
		changes["url"], e.url = audit.Change{From: shown(e.url), To: shown(u)}, u
	}
	if n := or(in.Concurrency, e.concurrency); n != e.concurrency {
		changes["concurrency"], e.concurrency = audit.Change{From: e.concurrency, To: n}, n
	}
	if d := time.Duration(or(in.Timeout, int(e.timeout/time.Second))) * time.Second; d != e.timeout {
		changes["timeout_seconds"], e.timeout = audit.Change{From: int(e.timeout / time.Second), To: int(d / time.Second)}, d
	}
	switched := audit.Action("")
	switch on := or(in.Enabled, e.disabledAt == nil); {
	case on && e.disabledAt != nil:
		e.disabledAt, e.disabledWhy, switched = nil, "", actEnabled
	case !on && e.disabledAt == nil:
		now := tx.Now().UnixMilli()
		e.disabledAt, e.disabledWhy, switched = &now, "operator", actDisabled
	}
	if len(changes) == 0 && switched == "" {
		return nil
	}
	if err := updateEndpoint(tx, e); err != nil {
		return err
	}
	if _, changed := changes["concurrency"]; changed {
		if err := limitLane(tx, e, e.concurrency); err != nil {
			return err
		}
	}
	if len(changes) > 0 {
		if err := s.record(tx, actChanged, e, changes, nil); err != nil {
			return err
		}
	}
	switch switched {
	case actDisabled:
		return s.record(tx, actDisabled, e, nil, map[string]any{"why": e.disabledWhy})
	case actEnabled:
		return s.reopen(tx, e, actEnabled)
	}
	return nil
}

// reopen begins to deliver to an endpoint again: what failed before is forgotten,
// and what waited is woken.
func (s *System) reopen(tx *store.Tx, e endpoint, action audit.Action) error {
	if _, err := setHealth(tx, e.id, e.trips, nil, 0); err != nil {
		return err
	}
	if err := s.record(tx, action, e, nil, nil); err != nil {
		return err
	}
	_, err := queue.Enqueue(tx, resume{Endpoint: e.id})
	return err
}

// removeEndpoint deletes one that the configuration does not name.
func (s *System) removeEndpoint(tx *store.Tx, e endpoint) error {
	if e.configured {
		return errConfigured
	}
	if err := deleteEndpoint(tx, e.id); err != nil {
		return err
	}
	if err := limitLane(tx, e, 0); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.forget(e.id) })
	return s.record(tx, actDeleted, e, nil, nil)
}

// forget drops what is kept in memory for an endpoint that was deleted.
func (s *System) forget(id string) {
	s.clients.forget(id)
	s.breaker.forget(id)
}
