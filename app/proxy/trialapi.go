package proxy

import (
	"errors"
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

const apiUpstream = "/-/api/v1/access/upstream"

type tryIn struct {
	Address string `json:"address"`
}

// upstreamJSON is the app behind, as the API tells of it.
type upstreamJSON struct {
	Address string     `json:"address,omitempty"` // where requests go; missing: nowhere
	Down    bool       `json:"down"`
	Since   *time.Time `json:"since,omitempty"`
	Error   string     `json:"error,omitempty"`
	Trial   *trialJSON `json:"trial,omitempty"`
}

type trialJSON struct {
	Address string     `json:"address"`
	State   string     `json:"state"` // waiting, answers or silent
	Detail  string     `json:"detail,omitempty"`
	Asked   time.Time  `json:"asked_at"`
	Ended   *time.Time `json:"ended_at,omitempty"`
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (s *System) tellUpstream(w http.ResponseWriter, r *http.Request, status int) error {
	h := s.State()
	out := upstreamJSON{Address: h.Upstream, Down: h.Down, Since: instant(h.Since), Error: h.Err}
	t, err := store.Read(r.Context(), s.DB, LastTrial)
	switch {
	case err == nil:
		out.Trial = &trialJSON{Address: t.Address, State: t.State, Detail: t.Detail, Asked: t.Asked, Ended: instant(t.Ended)}
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	return web.JSON(w, status, out)
}

func (s *System) upstreamAPI(w http.ResponseWriter, r *http.Request) error {
	return s.tellUpstream(w, r, http.StatusOK)
}

func (s *System) tryAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[tryIn](r)
	if err != nil {
		return err
	}
	if err := s.Try(r.Context(), in.Address); err != nil {
		return err
	}
	return s.tellUpstream(w, r, http.StatusAccepted)
}
