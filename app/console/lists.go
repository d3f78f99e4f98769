package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"seaworthy/app/web"
)

// countLimit bounds what a number above a list may cost to count.
const countLimit = 10_000

func count(n int) string {
	if n >= countLimit {
		return strconv.Itoa(countLimit) + "+"
	}
	return strconv.Itoa(n)
}

func kind(is bool, then string) string {
	if is {
		return then
	}
	return "quiet"
}

// href is the address of a list with its filters and a cursor; "" without one.
func href(path string, cursor, value string, filters url.Values) string {
	if value == "" {
		return ""
	}
	q := narrowing(filters)
	q.Set(cursor, value)
	return path + "?" + q.Encode()
}

// first is the list's first page, with its filters.
func first(path string, filters url.Values) string {
	q := narrowing(filters)
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// narrowing are the filters that say something.
func narrowing(filters url.Values) url.Values {
	q := url.Values{}
	for k, v := range filters {
		if v[0] != "" {
			q[k] = v
		}
	}
	return q
}

// capital is a state as a label.
func capital(state string) string { return strings.ToUpper(state[:1]) + state[1:] }

// tagsIn are the tags that were typed, with blanks or commas between them.
func tagsIn(text string) []string { return strings.Fields(strings.ReplaceAll(text, ",", " ")) }

// mendable is an error that whoever filled a form in can put right: what was typed, or that somebody
// was quicker. The form is shown again with it; every other error has a page of its own.
func mendable(err error) (*web.Error, bool) {
	if err == nil {
		return nil, false
	}
	e := web.AsError(err)
	return e, e.Status == http.StatusUnprocessableEntity || e.Status == http.StatusConflict
}
