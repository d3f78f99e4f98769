package stripesim

import (
	"net/url"
)

// list answers a page of a kind's objects that keep says yes to, the newest first
// (docs.stripe.com/api/pagination).
func (c *call) list(kind string, keep func(object) bool) (object, *Error) {
	limit, bad := c.f.num("limit", 10)
	if bad != nil {
		return nil, bad
	}
	if limit < 1 || limit > 100 {
		return nil, invalid("limit", "This value must be between 1 and 100.")
	}
	var rows []object
	for _, o := range c.all(kind) {
		if (keep == nil || keep(o)) && c.within(o) {
			rows = append(rows, o)
		}
	}
	return c.page(kind, rows, int(limit))
}

// page cuts the rows between the cursors, which name an object and not a place: what is
// made meanwhile shifts nothing. One that is not in the list is refused.
func (c *call) page(kind string, rows []object, limit int) (object, *Error) {
	find := func(name string) (int, *Error) {
		for i, o := range rows {
			if o.str("id") == c.f.str(name) {
				return i, nil
			}
		}
		return 0, missing(kind, c.f.str(name), name)
	}
	more := false
	if c.f.has("ending_before") {
		i, bad := find("ending_before")
		if bad != nil {
			return nil, bad
		}
		from := max(0, i-limit)
		rows, more = rows[from:i], from > 0
	} else {
		if c.f.has("starting_after") {
			i, bad := find("starting_after")
			if bad != nil {
				return nil, bad
			}
			rows = rows[i+1:]
		}
		if len(rows) > limit {
			rows, more = rows[:limit], true
		}
	}
	l := listOf((&url.URL{Path: c.path}).String(), rows)
	l["has_more"] = more
	return l, nil
}

// within reports whether an object was made in the range that was asked for.
func (c *call) within(o object) bool {
	at := o.num("created")
	if exact := c.f.str("created"); exact != "" {
		n, bad := c.f.num("created", 0)
		return bad == nil && n == at
	}
	span := c.f.sub("created")
	for name, ok := range map[string]func(int64) bool{
		"gt": func(n int64) bool { return at > n }, "gte": func(n int64) bool { return at >= n },
		"lt": func(n int64) bool { return at < n }, "lte": func(n int64) bool { return at <= n },
	} {
		if n, bad := span.num(name, 0); span.has(name) && (bad != nil || !ok(n)) {
			return false
		}
	}
	return true
}
