package rule

import (
	"fmt"
	"slices"
	"strings"
)

// expr is a compiled rule: what it says in a state.
type expr func(*state) any

// state is one evaluation.
type state struct {
	data    any     // what var looks into: the context, or an element of a list
	context Context // the whole of it
	set     *Set
	flag    *Flag
	work    int     // how many steps it took
	deep    int     // in how many prerequisites it is
	spent   bool    // too many
	trace   *[]Step // nil: nobody asks why
}

// maxWork bounds an evaluation, in elements of lists and prerequisites that were looked
// at, and in what was made of them: a rule over a list in a list in a context of a megabyte would take minutes.
const maxWork = 100_000

// step counts one more element, and reports whether there may be more.
func (s *state) step() bool {
	s.work++
	s.spent = s.spent || s.work > maxWork
	return !s.spent
}

// weigh counts what a step over a list made, and reports whether there may be more: what doubles at each
// step is soon too large, and a list that holds one list many times over is as large as it is written out.
func (s *state) weigh(v any) bool {
	switch v := v.(type) {
	case string:
		s.work += len(v) / 64
	case []any:
		s.work += 1 + len(v)/16
		for _, e := range v {
			if compound(e) && (s.spent || !s.weigh(e)) {
				return false
			}
		}
	}
	s.spent = s.spent || s.work > maxWork
	return !s.spent
}

// compiler turns the rules of one flag into closures.
type compiler struct {
	evaluators func(name string) (node, bool)
	refs       []string // evaluators that are being compiled, the outermost first
	nodes      int
	path       []string
}

func (c *compiler) fault(format string, args ...any) error {
	return &Fault{Path: strings.Join(c.path, "/"), Message: fmt.Sprintf(format, args...)}
}

// in compiles something one step further down.
func (c *compiler) in(step string, n node) (expr, error) {
	c.path = append(c.path, step)
	e, err := c.compile(n)
	if err == nil {
		c.path = c.path[:len(c.path)-1]
	}
	return e, err
}

func constant(v any) expr { return func(*state) any { return v } }

func (c *compiler) compile(n node) (expr, error) {
	if c.nodes++; c.nodes > maxNodes {
		return nil, c.fault("the rules have more than %d parts", maxNodes)
	}
	switch {
	case n.kind == '[':
		return c.list(n)
	case n.kind == '{' && len(n.members) == 1:
		return c.operation(n.members[0])
	}
	return constant(n.value()), nil // an object of several members is data
}

// list compiles an array; one without rules in it is a constant.
func (c *compiler) list(n node) (expr, error) {
	if n.isData() {
		return constant(n.value()), nil
	}
	all, err := c.all(n.list)
	if err != nil {
		return nil, err
	}
	return func(s *state) any {
		out := make([]any, len(all))
		for i, e := range all {
			out[i] = e(s)
		}
		return out
	}, nil
}

// isData reports whether a node has no rule in it.
func (n node) isData() bool {
	switch n.kind {
	case '{':
		return len(n.members) != 1
	case '[':
		return !slices.ContainsFunc(n.list, func(v node) bool { return !v.isData() })
	}
	return true
}

func (c *compiler) all(list []node) ([]expr, error) {
	out := make([]expr, len(list))
	for i, n := range list {
		var err error
		if out[i], err = c.in(fmt.Sprint(i), n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// operation compiles {"operator": arguments}; one argument may stand without its array.
func (c *compiler) operation(m member) (expr, error) {
	c.path = append(c.path, m.name)
	e, err := c.operator(m.name, m.value)
	if err == nil {
		c.path = c.path[:len(c.path)-1]
	}
	return e, err
}

func (c *compiler) operator(name string, value node) (expr, error) {
	if name == "$ref" {
		return c.reference(value)
	}
	args := []node{value}
	if value.kind == '[' {
		args = value.list
	}
	if special := specialOf(name); special != nil {
		return special(c, args)
	}
	if f, ok := binary[name]; ok {
		return c.pair(f, args)
	}
	f, ok := functions[name]
	if !ok {
		return nil, c.fault("there is no operator %q", name)
	}
	if value.kind == '{' && len(value.members) == 1 {
		// What the rule yields is the one argument, or, where it is a list, as good as several.
		e, err := c.compile(value)
		if err != nil {
			return nil, err
		}
		return func(s *state) any { return f([]any{e(s)}) }, nil
	}
	all, err := c.all(args)
	if err != nil {
		return nil, err
	}
	return apply(f, all), nil
}

// pair compiles an operator of two arguments, which takes no memory of the heap.
func (c *compiler) pair(f func(a, b any) any, args []node) (expr, error) {
	all, err := c.all(args)
	if err != nil {
		return nil, err
	}
	for len(all) < 2 {
		all = append(all, constant(nil))
	}
	a, b := all[0], all[1]
	return func(s *state) any { return f(a(s), b(s)) }, nil
}

// apply evaluates the arguments and calls f.
func apply(f func([]any) any, all []expr) expr {
	return func(s *state) any {
		args := make([]any, len(all))
		for i, e := range all {
			args[i] = e(s)
		}
		return f(args)
	}
}

// reference compiles a rule that flags share, in its place.
func (c *compiler) reference(value node) (expr, error) {
	name := value.text
	n, ok := c.evaluators(name)
	if value.kind != '"' || !ok {
		return nil, c.fault("there is no shared rule %q in $evaluators", name)
	}
	if slices.Contains(c.refs, name) {
		return nil, c.fault("shared rules refer to each other in a circle: %s", strings.Join(append(c.refs, name), " -> "))
	}
	c.refs = append(c.refs, name)
	e, err := c.in(name, n)
	if err == nil {
		c.refs = c.refs[:len(c.refs)-1]
	}
	return e, err
}
