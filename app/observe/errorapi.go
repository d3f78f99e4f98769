package observe

import (
	"net/http"
	"net/url"
	"strconv"

	"seaworthy/app/web"
)

func (s *System) errorsAPI(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := issueFilter(q, web.IdentityOf(r.Context()).User)
	f.Status = q.Get("status")
	f.Limit = limitOf(q, f.Limit)
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

// limitOf is how many entries a list is to have; 0, which is out of range, for what is no number.
func limitOf(q url.Values, usual int) int {
	text := q.Get("limit")
	if text == "" {
		return usual
	}
	n, _ := strconv.Atoi(text)
	return n
}

// checkLimit holds a list to its bounds.
func checkLimit(c *web.Check, limit int) {
	c.Fault(limit >= 1 && limit <= mostHits, "limit", "range", "From 1 to 200.")
}

// issueFilter reads what narrows a list from an address; the status is read by who asks.
func issueFilter(q url.Values, me string) IssueFilter {
	f := IssueFilter{Project: q.Get("project"), Release: q.Get("release"), Environment: q.Get("environment"), Level: q.Get("level"), Assignee: q.Get("assignee"),
		Text: q.Get("q"), Before: q.Get("cursor"), Limit: 50}
	if f.Assignee == "me" {
		f.Assignee = me
	}
	return f
}

func (s *System) mergeAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[Merge](r)
	if err != nil {
		return err
	}
	i, err := s.Merge(r.Context(), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, i)
}

func (s *System) unmergeAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[Unmerge](r)
	if err != nil {
		return err
	}
	i, err := s.Unmerge(r.Context(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, i)
}
