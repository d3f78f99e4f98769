package jobs

import (
	"errors"

	"seaworthy/queue"
	"seaworthy/store"
)

// MaxPage bounds a page of a list.
const MaxPage = 200

// Sought says which jobs a page shows; what is empty is not asked for.
type Sought struct {
	State     queue.State
	Kind, Org string
	Endpoint  string // its name or id
	Queue     string // of the endpoint, the default one without
	Lane      string // a queue by its whole name, instead
	Before    string // id; newer ones and it are left out
	Limit     int
}

// Page lists jobs, the newest first. It returns store.ErrNotFound for a queue of an
// endpoint that does not exist.
func Page(tx *store.Tx, want Sought) (JobPage, error) {
	out := JobPage{Jobs: []Job{}}
	known, err := names(tx)
	if err != nil {
		return out, err
	}
	f, err := want.filter(tx)
	if err != nil {
		return out, err
	}
	f.Limit = want.Limit + 1
	all, err := queue.List(tx, f)
	if len(all) > want.Limit {
		all = all[:want.Limit]
		out.Next = all[want.Limit-1].ID
	}
	for _, j := range all {
		out.Jobs = append(out.Jobs, summary(j, known))
	}
	return out, err
}

// filter is what the queue is asked for.
func (w Sought) filter(tx *store.Tx) (queue.Filter, error) {
	f := queue.Filter{State: w.State, Kind: w.Kind, Org: w.Org, Endpoint: w.Endpoint, Queue: w.Lane, Before: w.Before}
	if w.Queue != "" && f.Endpoint == "" {
		f.Endpoint = defaultName
	}
	if f.Endpoint == "" {
		return f, nil
	}
	e, err := findEndpoint(tx, f.Endpoint)
	switch {
	case errors.Is(err, store.ErrNotFound) && w.Queue == "":
		return f, nil // of one that was deleted, by its id
	case err != nil:
		return f, err
	case w.Queue != "":
		f.Queue = lane(e.name, w.Queue)
	}
	f.Endpoint = e.id
	return f, nil
}
