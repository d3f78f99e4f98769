package welcome

import (
	"net/http"
	"strconv"

	"seaworthy/app/web"
	"seaworthy/store"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// setupJSON is the set-up as the API tells of it.
type setupJSON struct {
	Settled   int        `json:"settled"` // steps that are done or put off
	Of        int        `json:"of"`
	Dismissed bool       `json:"dismissed"`
	Steps     []stepJSON `json:"steps"`
}

type stepJSON struct {
	Key     string      `json:"key"`
	Title   string      `json:"title"`
	Done    bool        `json:"done"`
	Skipped bool        `json:"skipped"`
	Points  []pointJSON `json:"points"`
}

type pointJSON struct {
	Title  string   `json:"title"`
	State  string   `json:"state"` // done, warn, todo, unknown, not_applicable
	Detail string   `json:"detail"`
	Needed bool     `json:"needed"`          // the step is done only with it
	Unset  []string `json:"unset,omitempty"` // variables that would change it and are not set
}

func (s *System) tell(w http.ResponseWriter, r *http.Request) error {
	setup, err := store.Read(r.Context(), s.DB, s.Read)
	if err != nil {
		return err
	}
	out := setupJSON{Settled: setup.Settled(), Of: len(setup.Steps), Dismissed: setup.Dismissed}
	for _, step := range setup.Steps {
		one := stepJSON{Key: step.Key, Title: step.Title, Done: step.Done, Skipped: step.Skipped, Points: []pointJSON{}}
		for _, p := range step.Points {
			point := pointJSON{Title: p.Title, State: string(p.State), Detail: p.Detail, Needed: p.Needed}
			for _, l := range p.Lines {
				if !l.Set {
					point.Unset = append(point.Unset, l.Name)
				}
			}
			one.Points = append(one.Points, point)
		}
		out.Steps = append(out.Steps, one)
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) setupAPI(w http.ResponseWriter, r *http.Request) error { return s.tell(w, r) }

func (s *System) skipAPI(w http.ResponseWriter, r *http.Request) error {
	step, err := stepOf(r)
	if err != nil {
		return err
	}
	if err := s.putOff(r.Context(), step); err != nil {
		return err
	}
	return s.tell(w, r)
}

func (s *System) resumeAPI(w http.ResponseWriter, r *http.Request) error {
	step, err := stepOf(r)
	if err != nil {
		return err
	}
	if err := s.takeUp(r.Context(), step); err != nil {
		return err
	}
	return s.tell(w, r)
}

func (s *System) closeAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.putOff(r.Context(), whole); err != nil {
		return err
	}
	return s.tell(w, r)
}

func (s *System) openAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.takeUp(r.Context(), whole); err != nil {
		return err
	}
	return s.tell(w, r)
}
