package auth

import (
	"net/http"
	"net/url"
	"strconv"

	"seaworthy/app/web"
	"seaworthy/store"
)

// defaultPage and maxPage are how many rows a page of a list of the API has;
// shownPage is how many one for people has.
const defaultPage, maxPage, shownPage = 50, 100, 50

// pageOf is what a request for a part of a list asks for: what comes after the
// cursor, an id, "" for the beginning, and how many at most.
func pageOf(r *http.Request) (cursor string, limit int, err error) {
	var c web.Check
	q := r.URL.Query()
	limit = defaultPage
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		c.Fault(err == nil && n > 0 && n <= maxPage, "limit", "range", "A whole number from 1 to "+strconv.Itoa(maxPage)+".")
		limit = n
	}
	cursor = q.Get("cursor")
	_, isID := store.IDTime(cursor)
	c.Fault(cursor == "" || isID, "cursor", "form", "Use next_cursor of the page before.")
	return cursor, limit, c.Err()
}

// cut takes the row that tells of a further page off a list of limit+1, and
// returns the cursor of that page, "" on the last.
func cut[T any](all []T, limit int, id func(T) string) ([]T, string) {
	if len(all) <= limit {
		return all, ""
	}
	return all[:limit], id(all[limit-1])
}

// pages are the links of a list for people; see the template pager.
type pages struct{ Newer, Older string }

// pagesOf leads on to the next part of a list, if there is one, and from a later
// part back to the beginning.
func pagesOf(r *http.Request, next string) (p pages) {
	if next != "" {
		p.Older = r.URL.Path + "?cursor=" + url.QueryEscape(next)
	}
	if r.URL.Query().Get("cursor") != "" {
		p.Newer = r.URL.Path
	}
	return p
}

// noContent is the answer to what was done and has nothing to tell, or the error.
func noContent(w http.ResponseWriter, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// notice is a page that says what happened.
type notice struct {
	Kind, Heading           string
	Body                    []string
	Action, Path            string
	ResendPath, ResendEmail string
}

// again shows a form again with what was typed and what is wrong with it.
// Failures that are not the person's go to the error page.
func (s *System) again(w http.ResponseWriter, r *http.Request, page string, v web.View, typed map[string]string, err error) error {
	e := web.AsError(err)
	if e.Status >= 500 || e.Status == http.StatusBadRequest || e.Status == http.StatusRequestEntityTooLarge || e.Status == 499 {
		return err
	}
	v.Status, v.Form = e.Status, &web.Form{Values: typed, Err: e}
	return s.Pages.Render(w, r, page, v)
}
