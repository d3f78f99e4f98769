package console

import (
	"net/url"
	"strconv"
)

// countLimit bounds what a number on the overview may cost to count.
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
	q := url.Values{}
	for k, v := range filters {
		if v[0] != "" {
			q[k] = v
		}
	}
	q.Set(cursor, value)
	return path + "?" + q.Encode()
}

// first is the list's first page, with its filters.
func first(path string, filters url.Values) string {
	q := url.Values{}
	for k, v := range filters {
		if v[0] != "" {
			q[k] = v
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
