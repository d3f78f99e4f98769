package rule

// special compiles operators that do not evaluate all their arguments, or each
// of them several times.
type special func(c *compiler, args []node) (expr, error)

// specialOf is the operator of a name, nil if it is an ordinary one.
func specialOf(name string) special {
	switch name {
	case "var":
		return compileVar
	case "missing":
		return compileMissing
	case "missing_some":
		return compileMissingSome
	case "if", "?:":
		return compileIf
	case "and":
		return compileAnd
	case "or":
		return compileOr
	case "map":
		return compileMap
	case "filter":
		return compileFilter
	case "reduce":
		return compileReduce
	case "all":
		return compileAll
	case "some":
		return compileSome
	case "none":
		return compileNone
	case "fractional":
		return compileFractional
	}
	return nil
}

// compileIf compiles if: condition, then, condition, then, …, else.
func compileIf(c *compiler, args []node) (expr, error) {
	all, err := c.all(args)
	if err != nil {
		return nil, err
	}
	sources := args
	return func(s *state) any {
		i := 0
		for ; i+1 < len(all); i += 2 {
			met := truthy(all[i](s))
			if s.trace != nil {
				s.note(Step{What: "condition", Rule: sources[i].json(), Met: met})
			}
			if met {
				return all[i+1](s)
			}
		}
		if i < len(all) {
			return all[i](s)
		}
		return nil
	}, nil
}

func compileAnd(c *compiler, args []node) (expr, error) {
	all, err := c.all(args)
	return func(s *state) (v any) {
		for _, e := range all {
			if v = e(s); !truthy(v) {
				return v
			}
		}
		return v
	}, err
}

func compileOr(c *compiler, args []node) (expr, error) {
	all, err := c.all(args)
	return func(s *state) (v any) {
		for _, e := range all {
			if v = e(s); truthy(v) {
				return v
			}
		}
		return v
	}, err
}

// each compiles an operator over a list: for the elements one by one, each in the
// place of the data. What is no list is an empty one.
func each(c *compiler, args []node, run func(s *state, list []any, rule expr) any) (expr, error) {
	all, err := c.all(args)
	if err != nil {
		return nil, err
	}
	for len(all) < 2 {
		all = append(all, constant(nil))
	}
	return func(s *state) any {
		list, _ := all[0](s).([]any)
		return run(s, list, all[1])
	}, nil
}

// on evaluates a rule on an element.
func (s *state) on(element any, rule expr) any {
	outer := s.data
	s.data = plain(element)
	v := rule(s)
	s.data = outer
	return v
}

func compileMap(c *compiler, args []node) (expr, error) {
	return each(c, args, func(s *state, list []any, rule expr) any {
		out := make([]any, 0, len(list))
		for _, v := range list {
			if !s.step() {
				return nil
			}
			made := s.on(v, rule)
			if out = append(out, made); !s.weigh(made) {
				return nil
			}
		}
		return out
	})
}

func compileFilter(c *compiler, args []node) (expr, error) {
	return each(c, args, func(s *state, list []any, rule expr) any {
		out := []any{}
		for _, v := range list {
			if !s.step() {
				return nil
			}
			if truthy(s.on(v, rule)) {
				out = append(out, v)
			}
		}
		return out
	})
}

func compileReduce(c *compiler, args []node) (expr, error) {
	start := constant(nil)
	if len(args) > 2 {
		var err error
		if start, err = c.in("2", args[2]); err != nil {
			return nil, err
		}
		args = args[:2]
	}
	return each(c, args, func(s *state, list []any, rule expr) any {
		sum := start(s)
		for _, v := range list {
			if !s.step() {
				return nil
			}
			if sum = s.on(map[string]any{"current": v, "accumulator": sum}, rule); !s.weigh(sum) {
				return nil
			}
		}
		return sum
	})
}

func compileAll(c *compiler, args []node) (expr, error) {
	return each(c, args, func(s *state, list []any, rule expr) any {
		for _, v := range list {
			if !s.step() || !truthy(s.on(v, rule)) {
				return false
			}
		}
		return len(list) > 0
	})
}

func compileSome(c *compiler, args []node) (expr, error) {
	return each(c, args, func(s *state, list []any, rule expr) any { return s.some(list, rule) })
}

func compileNone(c *compiler, args []node) (expr, error) {
	return each(c, args, func(s *state, list []any, rule expr) any { return !s.some(list, rule) })
}

func (s *state) some(list []any, rule expr) bool {
	for _, v := range list {
		if s.step() && truthy(s.on(v, rule)) {
			return true
		}
	}
	return false
}
