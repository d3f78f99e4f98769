package flags

import (
	"cmp"
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

type overrideJSON struct {
	Target  string    `json:"target"`
	Variant string    `json:"variant"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

type overridePage struct {
	Overrides []overrideJSON `json:"overrides"`
	Next      string         `json:"next_cursor,omitempty"`
}

func (s *System) overridesAPI(w http.ResponseWriter, r *http.Request) error {
	var c web.Check
	q := r.URL.Query()
	limit := limitOf(q, &c)
	if err := c.Err(); err != nil {
		return err
	}
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Override, error) {
		if _, err := FlagByKey(tx, r.PathValue("key")); err != nil {
			return nil, err
		}
		return Overrides(tx, r.PathValue("key"), q.Get("cursor"), limit+1)
	})
	if err != nil {
		return err
	}
	out := overridePage{Overrides: []overrideJSON{}}
	if len(all) > limit {
		all = all[:limit]
		out.Next = all[limit-1].Target
	}
	for _, o := range all {
		out.Overrides = append(out.Overrides, overrideJSON{o.Target, o.Variant, o.By, o.At})
	}
	return web.JSON(w, http.StatusOK, out)
}

type overrideInput struct {
	Variant string `json:"variant" doc:"What this user or organization gets"`
}

func (s *System) setOverrideAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[overrideInput](r)
	if err != nil {
		return err
	}
	if in.Variant == "" {
		return web.Invalid(web.Field{Field: "variant", Code: "required", Message: "Name a variant, or remove the override with DELETE."})
	}
	return s.override(w, r, in.Variant)
}

func (s *System) dropOverrideAPI(w http.ResponseWriter, r *http.Request) error {
	return s.override(w, r, "")
}

func (s *System) override(w http.ResponseWriter, r *http.Request, variant string) error {
	if err := s.SetOverride(r.Context(), r.PathValue("key"), r.PathValue("target"), variant); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type changeJSON struct {
	ID      string     `json:"id"`
	State   string     `json:"state"` // scheduled applied cancelled failed
	Due     time.Time  `json:"due_at"`
	Patch   Patch      `json:"patch"`
	Comment string     `json:"comment,omitempty"`
	By      string     `json:"by"`
	Job     string     `json:"job_id"`
	Ended   *time.Time `json:"ended_at,omitempty"`
	Fault   string     `json:"fault,omitempty"`
}

func (c Change) json() changeJSON {
	return changeJSON{c.ID, c.State, c.Due, c.Patch, c.Comment, c.By, c.Job, orNil(c.Ended), c.Fault}
}

type changePage struct {
	Changes []changeJSON `json:"changes"`
	Next    string       `json:"next_cursor,omitempty"`
}

func (s *System) changesAPI(w http.ResponseWriter, r *http.Request) error {
	var c web.Check
	q := r.URL.Query()
	limit := limitOf(q, &c)
	if err := c.Err(); err != nil {
		return err
	}
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Change, error) {
		if _, err := FlagByKey(tx, r.PathValue("key")); err != nil {
			return nil, err
		}
		return Changes(tx, r.PathValue("key"), q.Get("cursor"), limit+1)
	})
	if err != nil {
		return err
	}
	out := changePage{Changes: []changeJSON{}}
	if len(all) > limit {
		all = all[:limit]
		out.Next = all[limit-1].ID
	}
	for _, ch := range all {
		out.Changes = append(out.Changes, ch.json())
	}
	return web.JSON(w, http.StatusOK, out)
}

type scheduleInput struct {
	Due     time.Time `json:"due_at" doc:"When it is changed"`
	Patch   Patch     `json:"patch" doc:"What is changed, as in a change now"`
	Comment string    `json:"comment,omitempty" doc:"Why, for the history"`
}

func (s *System) scheduleAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[scheduleInput](r)
	if err != nil {
		return err
	}
	ch, err := s.Schedule(r.Context(), r.PathValue("key"), in.Patch, in.Due, in.Comment)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, ch.json())
}

func (s *System) unscheduleAPI(w http.ResponseWriter, r *http.Request) error {
	if err := s.Unschedule(r.Context(), r.PathValue("key"), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type statJSON struct {
	At      time.Time `json:"at"`
	Variant string    `json:"variant"`
	N       int64     `json:"evaluations"`
	Bulk    bool      `json:"bulk,omitempty"` // handed out with all flags, not asked for by its key
}

type statList struct {
	Grain string     `json:"grain"`
	Stats []statJSON `json:"stats"`
}

// maxStats bounds the counts of an answer: a quarter of days or two days of hours,
// with many variants.
const maxStats = 5000

func (s *System) statsAPI(w http.ResponseWriter, r *http.Request) error {
	grain, since := cmp.Or(r.URL.Query().Get("grain"), "hour"), 48*time.Hour
	switch grain {
	case "hour":
	case "day":
		since = 90 * 24 * time.Hour
	default:
		return web.Invalid(web.Field{Field: "grain", Code: "choice", Message: "Either hour or day."})
	}
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Stat, error) {
		if _, err := FlagByKey(tx, r.PathValue("key")); err != nil {
			return nil, err
		}
		return StatsOf(tx, r.PathValue("key"), grain, tx.Now().Add(-since), maxStats)
	})
	if err != nil {
		return err
	}
	out := statList{Grain: grain, Stats: []statJSON{}}
	for _, st := range all {
		out.Stats = append(out.Stats, statJSON(st))
	}
	return web.JSON(w, http.StatusOK, out)
}
