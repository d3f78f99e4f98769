package email

import (
	"net/http"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// providerJSON is one who delivers mail.
type providerJSON struct {
	Name    string     `json:"name"`
	State   string     `json:"state"`           // working, paused, open, quota or stopped
	Until   *time.Time `json:"until,omitempty"` // when it is tried again
	Streams []string   `json:"streams"`         // and at which place it is tried
	Error   string     `json:"error,omitempty"` // the last one
	ErrorAt *time.Time `json:"error_at,omitempty"`
	Rate    float64    `json:"rate,omitempty"` // messages a second at most
	Limit   int64      `json:"limit_bytes"`    // of a message
	Hour    countJSON  `json:"last_hour"`
	Day     countJSON  `json:"last_day"`
}

type countJSON struct {
	Sent   int `json:"sent"`
	Failed int `json:"failed"`
}

type providerListJSON struct {
	Providers []providerJSON `json:"providers"`
}

type testIn struct {
	To string `json:"to,omitempty"`
}

func (p providerState) json() providerJSON {
	out := providerJSON{Name: p.Name, State: p.State(), Streams: p.Streams, Error: p.Error(), Rate: p.Rate, Limit: p.Limit, Hour: countJSON(p.Hour), Day: countJSON(p.Day)}
	if at := p.Until(); !at.IsZero() {
		out.Until = &at
	}
	if at := p.ErrorAt(); !at.IsZero() {
		out.ErrorAt = &at
	}
	return out
}

func (s *System) providersAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, s.states)
	if err != nil {
		return err
	}
	out := providerListJSON{Providers: []providerJSON{}}
	for _, p := range all {
		out.Providers = append(out.Providers, p.json())
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) retryProviderAPI(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if err := s.tryAgain(r.Context(), name); err != nil {
		return err
	}
	all, err := store.Read(r.Context(), s.DB, s.states)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Name == name {
			return web.JSON(w, http.StatusOK, p.json())
		}
	}
	return web.ErrNotFound
}

func (s *System) testProviderAPI(w http.ResponseWriter, r *http.Request) error {
	in := testIn{}
	if r.ContentLength != 0 {
		var err error
		if in, err = web.Decode[testIn](r); err != nil {
			return err
		}
	}
	id, err := s.testBy(r.Context(), r.PathValue("name"), strings.TrimSpace(in.To))
	if err != nil {
		return err
	}
	w.Header().Set("Location", apiMessages+"/"+id)
	return web.JSON(w, http.StatusAccepted, sentTest{id})
}
