package jobs

import (
	"errors"
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/app/webhook"
	"seaworthy/store"
)

func (s *System) endpointRoutes() []web.Route {
	const all, one = "/-/api/v1/jobs/endpoints", "/-/api/v1/jobs/endpoints/{endpoint}"
	read, manage := web.Permission(permRead), web.Permission(permEndpoints)
	return []web.Route{
		{Method: "GET", Pattern: all, Access: read, Handler: s.endpointsAPI, Doc: web.Doc{Summary: "List where jobs are delivered, by name", Out: endpointList{}}},
		{Method: "POST", Pattern: all, Access: manage, Fresh: true, Handler: s.makeEndpointAPI, Audit: actions(actMade),
			Doc: web.Doc{Summary: "Make a place where jobs are delivered; its secret is shown this once", In: endpointInput{}, Out: endpointMade{}, Status: http.StatusCreated}},
		{Method: "GET", Pattern: one, Access: read, Handler: s.endpointAPI, Doc: web.Doc{Summary: "One endpoint, by id or name", Out: endpointJSON{}}},
		{Method: "PATCH", Pattern: one, Access: manage, Fresh: true, Handler: s.changeEndpointAPI, Audit: actions(actChanged, actDisabled, actEnabled),
			Doc: web.Doc{Summary: "Change, disable or enable an endpoint; jobs wait while it is disabled", In: endpointChange{}, Out: endpointJSON{}}},
		{Method: "POST", Pattern: one + "/rotate", Access: manage, Fresh: true, Handler: s.rotateAPI, Audit: actions(actRotated),
			Doc: web.Doc{Summary: "Get a new secret, shown this once; the old one signs beside it for a day", Out: endpointMade{}}},
		{Method: "DELETE", Pattern: one, Access: manage, Fresh: true, Handler: s.deleteEndpointAPI, Audit: actions(actDeleted),
			Doc: web.Doc{Summary: "Delete an endpoint; jobs that are left for it become dead letters", Status: http.StatusNoContent}},
	}
}

// endpointJSON is an endpoint as the API gives it.
type endpointJSON struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	URL           string     `json:"url"`
	Concurrency   int        `json:"concurrency"`
	Timeout       int        `json:"timeout_seconds"`
	Enabled       bool       `json:"enabled"`
	Why           string     `json:"disabled_why,omitempty"` // operator, gone
	Configured    bool       `json:"configured"`
	FailingUntil  *time.Time `json:"failing_until,omitempty"` // left alone until then
	PreviousUntil *time.Time `json:"previous_secret_until,omitempty"`
	Created       time.Time  `json:"created_at"`
	Changed       time.Time  `json:"changed_at"`
}

type endpointList struct {
	Endpoints []endpointJSON `json:"endpoints"`
}

// endpointMade is an endpoint with its new secret, which is told this once.
type endpointMade struct {
	Endpoint endpointJSON `json:"endpoint"`
	Secret   string       `json:"secret"`
}

func (e endpoint) json(now time.Time) endpointJSON {
	out := endpointJSON{ID: e.id, Name: e.name, URL: e.url, Concurrency: e.concurrency, Timeout: int(e.timeout / time.Second), Enabled: e.disabledAt == nil,
		Why: e.disabledWhy, Configured: e.configured, FailingUntil: moment(e.openUntil), Created: time.UnixMilli(e.created).UTC(), Changed: time.UnixMilli(e.changed).UTC()}
	if e.previousUntil != nil && *e.previousUntil > now.UnixMilli() {
		out.PreviousUntil = moment(e.previousUntil)
	}
	return out
}

func moment(ms *int64) *time.Time {
	if ms == nil {
		return nil
	}
	at := time.UnixMilli(*ms).UTC()
	return &at
}

func (s *System) endpointsAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]endpoint, error) { return listEndpoints(tx, maxEndpoints) })
	if err != nil {
		return err
	}
	out := endpointList{Endpoints: []endpointJSON{}}
	for _, e := range all {
		out.Endpoints = append(out.Endpoints, s.toldTo(r, e))
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) endpointAPI(w http.ResponseWriter, r *http.Request) error {
	e, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (endpoint, error) { return findEndpoint(tx, r.PathValue("endpoint")) })
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.toldTo(r, e))
}

// toldTo is an endpoint for whoever asks: the query of its address may be a secret, and
// is for those alone who manage endpoints.
func (s *System) toldTo(r *http.Request, e endpoint) endpointJSON {
	out := e.json(s.DB.Now())
	if !web.IdentityOf(r.Context()).Can(permEndpoints) {
		out.URL = shown(out.URL)
	}
	return out
}

func (s *System) makeEndpointAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[endpointInput](r)
	if err != nil {
		return err
	}
	if err := s.checkEndpoint(&in); err != nil {
		return err
	}
	secret := webhook.NewSecret()
	made, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (endpoint, error) { return s.addEndpoint(tx, in, secret) })
	if errors.Is(err, store.ErrConflict) {
		return web.Invalid(web.Field{Field: "name", Code: "taken", Message: "There is an endpoint with this name."})
	}
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, endpointMade{made.json(s.DB.Now()), secret.Reveal()})
}

func (s *System) changeEndpointAPI(w http.ResponseWriter, r *http.Request) error {
	raw, _, err := web.ReadBody(r, "application/json")
	if err != nil {
		return err
	}
	in, err := web.DecodeJSON[endpointChange](raw)
	if err != nil {
		return err
	}
	var c web.Check
	if in.URL != nil {
		s.checkURL(&c, *in.URL)
	}
	limits(&c, or(in.Concurrency, 1), or(in.Timeout, 1))
	if err := c.Err(); err != nil {
		return err
	}
	e, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (endpoint, error) {
		e, err := findEndpoint(tx, r.PathValue("endpoint"))
		if err != nil {
			return e, err
		}
		if err := s.change(tx, e, in); err != nil {
			return e, err
		}
		return findEndpoint(tx, e.id)
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, e.json(s.DB.Now()))
}

func (s *System) rotateAPI(w http.ResponseWriter, r *http.Request) error {
	secret := webhook.NewSecret()
	e, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (endpoint, error) {
		e, err := findEndpoint(tx, r.PathValue("endpoint"))
		if err != nil {
			return e, err
		}
		if e.configured && s.Secret != nil {
			return e, errConfigured
		}
		if err := s.rotate(tx, &e, s.Keys.Seal(purpose, e.id, secret)); err != nil {
			return e, err
		}
		return findEndpoint(tx, e.id)
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, endpointMade{e.json(s.DB.Now()), secret.Reveal()})
}

func (s *System) deleteEndpointAPI(w http.ResponseWriter, r *http.Request) error {
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		e, err := findEndpoint(tx, r.PathValue("endpoint"))
		if err != nil {
			return err
		}
		return s.removeEndpoint(tx, e)
	})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
