package rule

import (
	"strconv"
	"strings"
)

// flagd's own attributes (flagd: "flagd properties in the evaluation context").
const flagdName = "$flagd"

// compileVar compiles var: a path into the data, and what is said where there is nothing.
func compileVar(c *compiler, args []node) (expr, error) {
	fallback := constant(nil)
	if len(args) > 1 {
		var err error
		if fallback, err = c.in("1", args[1]); err != nil {
			return nil, err
		}
	}
	if len(args) == 0 {
		return func(s *state) any { return s.data }, nil
	}
	if !args[0].isData() {
		path, err := c.in("0", args[0])
		if err != nil {
			return nil, err
		}
		return func(s *state) any {
			if v := s.find(split(path(s))); v != nil {
				return v
			}
			return fallback(s)
		}, nil
	}
	path := split(args[0].value())
	if len(path) == 1 && path[0] != flagdName { // the most usual, without a loop
		name := path[0]
		return func(s *state) any {
			if m, ok := s.data.(Context); ok {
				if v := plain(m[name]); v != nil {
					return v
				}
				return fallback(s)
			}
			if v := s.find(path); v != nil {
				return v
			}
			return fallback(s)
		}, nil
	}
	return func(s *state) any {
		if v := s.find(path); v != nil {
			return v
		}
		return fallback(s)
	}, nil
}

// split makes a path of what var was given: "a.b", 1, or nothing for all of it.
func split(v any) []string {
	if v == nil || v == "" {
		return nil
	}
	return strings.Split(text(v), ".")
}

// find looks into the data; nil where there is nothing.
func (s *state) find(path []string) any {
	if len(path) > 0 && path[0] == flagdName {
		return s.property(path[1:])
	}
	v := s.data
	for _, name := range path {
		switch at := v.(type) {
		case Context:
			v = plain(at[name])
		case map[string]any:
			v = plain(at[name])
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = plain(at[i])
		case string:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i : i+1]
		default:
			return nil
		}
	}
	return v
}

// property is one of flagd's own: the key of the flag, and the time in seconds.
// No context can put another in its place.
func (s *state) property(path []string) any {
	if len(path) == 1 && path[0] == "flagKey" {
		return s.flag.Key
	}
	if len(path) == 1 && path[0] == "timestamp" {
		return float64(s.set.clock().Unix())
	}
	return nil
}

// compileMissing compiles missing: which of some paths lead to nothing.
func compileMissing(c *compiler, args []node) (expr, error) {
	all, err := c.all(args)
	if err != nil {
		return nil, err
	}
	return func(s *state) any {
		var keys []any
		for i, e := range all {
			v := e(s)
			if list, ok := v.([]any); ok && i == 0 {
				keys = list
				break
			}
			keys = append(keys, v)
		}
		return s.missing(keys)
	}, nil
}

func (s *state) missing(keys []any) []any {
	gone := []any{}
	for _, k := range keys {
		if v := s.find(split(k)); v == nil || v == "" {
			gone = append(gone, k)
		}
	}
	return gone
}

// compileMissingSome compiles missing_some: the same unless enough are there.
func compileMissingSome(c *compiler, args []node) (expr, error) {
	all, err := c.all(args)
	if err != nil {
		return nil, err
	}
	if len(all) != 2 {
		return nil, c.fault("missing_some takes a number and a list")
	}
	return func(s *state) any {
		need, list := number(all[0](s)), all[1](s)
		keys, _ := list.([]any)
		gone := s.missing(keys)
		if float64(len(keys)-len(gone)) >= need {
			return []any{}
		}
		return gone
	}, nil
}
