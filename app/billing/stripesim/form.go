package stripesim

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// form is what was sent: texts, and forms within. An array is a form whose names are
// its indices. Stripe takes forms and not JSON, so an empty text is what null is there:
// it takes a field away.
type form map[string]any

const (
	mostFields = 1000 // of one request
	mostDepth  = 8
)

// parseForm reads an encoded form with names such as items[0][price] and expand[].
func parseForm(raw string) (form, *Error) {
	values, err := url.ParseQuery(raw)
	if err != nil || len(values) > mostFields {
		return nil, invalid("", "Invalid request: the form could not be read.")
	}
	f := form{}
	// In the order of names, so that the same request always means the same.
	for _, name := range slices.Sorted(maps.Keys(values)) {
		path, ok := splitName(name)
		if !ok {
			return nil, invalid(name, "Invalid parameter name: "+name)
		}
		array := path[len(path)-1] == ""
		if len(values[name]) > 1 && !array {
			return nil, invalid(name, "Parameter given more than once: "+name)
		}
		for i, v := range values[name] {
			if array {
				path[len(path)-1] = strconv.Itoa(i)
			}
			if !f.set(path, v) {
				return nil, invalid(name, "Conflicting parameters: "+name)
			}
		}
	}
	return f, nil
}

// splitName splits a[b][c]; only the last part may be empty.
func splitName(name string) ([]string, bool) {
	first, rest, nested := strings.Cut(name, "[")
	path := []string{first}
	if nested {
		inner, closed := strings.CutSuffix(rest, "]")
		if !closed {
			return nil, false
		}
		path = append(path, strings.Split(inner, "][")...)
	}
	for i, part := range path {
		if strings.ContainsAny(part, "[]") || part == "" && (i == 0 || i < len(path)-1) {
			return nil, false
		}
	}
	return path, len(path) <= mostDepth
}

// set puts a value where its name says; false for one that is there, or that would be text
// and form at once.
func (f form) set(path []string, v string) bool {
	for _, part := range path[:len(path)-1] {
		inner, there := f[part]
		if !there {
			inner = form{}
			f[part] = inner
		}
		next, ok := inner.(form)
		if !ok {
			return false
		}
		f = next
	}
	last := path[len(path)-1]
	if _, there := f[last]; there {
		return false
	}
	f[last] = v
	return true
}

func (f form) has(name string) bool     { _, ok := f[name]; return ok }
func (f form) str(name string) string   { v, _ := f[name].(string); return v }
func (f form) yes(name string) bool     { return f.str(name) == "true" }
func (f form) sub(name string) form     { v, _ := f[name].(form); return v }
func (f form) or(name, d string) string { return cmp.Or(f.str(name), d) }

// list are the elements of an array, in the order of their indices.
func (f form) list(name string) []any {
	inner := f.sub(name)
	keys := slices.SortedFunc(maps.Keys(inner), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	all := make([]any, len(keys))
	for i, k := range keys {
		all[i] = inner[k]
	}
	return all
}

// forms are the elements of an array of forms.
func (f form) forms(name string) []form {
	var all []form
	for _, v := range f.list(name) {
		if inner, ok := v.(form); ok {
			all = append(all, inner)
		}
	}
	return all
}

// texts are the elements of an array of texts.
func (f form) texts(name string) []string {
	var all []string
	for _, v := range f.list(name) {
		if text, ok := v.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// num is a whole number, d when it is not given.
func (f form) num(name string, d int64) (int64, *Error) {
	text := f.str(name)
	if text == "" {
		return d, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, &Error{Status: 400, Type: "invalid_request_error", Code: "parameter_invalid_integer", Param: name, Message: "Invalid integer: " + text}
	}
	return n, nil
}

// only refuses names that are not among those allowed, separated by spaces.
func (f form) only(allowed string) *Error {
	known := strings.Fields(allowed)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if !slices.Contains(known, name) && name != "expand" {
			return &Error{Status: 400, Type: "invalid_request_error", Code: "parameter_unknown", Param: name, Message: "Received unknown parameter: " + name}
		}
	}
	return nil
}
