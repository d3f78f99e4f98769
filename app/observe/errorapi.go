package observe

import (
	"net/http"
	"strconv"

	"seaworthy/app/web"
)

func (s *System) errorsAPI(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := IssueFilter{Status: q.Get("status"), Before: q.Get("cursor"), Limit: 50}
	if text := q.Get("limit"); text != "" {
		f.Limit, _ = strconv.Atoi(text) // no number is out of range
	}
	out, err := s.Issues(r.Context(), f)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *System) errorAPI(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Detail(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, d)
}

func (s *System) changeAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[Change](r)
	if err != nil {
		return err
	}
	i, err := s.Change(r.Context(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, i)
}
