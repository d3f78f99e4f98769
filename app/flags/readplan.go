package flags

import (
	"strconv"

	"github.com/go-json-experiment/json"
)

// ReadPlan is targeting in words; false when words cannot say it.
func ReadPlan(targeting string) (Plan, bool) {
	if targeting == "" {
		return Plan{}, true
	}
	var v any
	if json.Unmarshal([]byte(targeting), &v) != nil {
		return Plan{}, false
	}
	op, args, ok := call(v)
	if !ok {
		return Plan{}, false
	}
	if op != "if" {
		s, ok := readServe(v)
		return Plan{Else: s}, ok
	}
	if len(args) == 2 && args[0] == true {
		s, ok := readServe(args[1])
		return Plan{Else: s}, ok
	}
	var p Plan
	for len(args) >= 2 {
		all, ok := readConditions(args[0])
		if !ok {
			return p, false
		}
		s, ok := readServe(args[1])
		if !ok {
			return p, false
		}
		p.Rules, args = append(p.Rules, Rule{all, s}), args[2:]
	}
	if len(args) == 0 {
		return p, len(p.Rules) > 0
	}
	// "else if" as people nest it is the same as further rules.
	if op, _, isCall := call(args[0]); isCall && op == "if" {
		raw, err := json.Marshal(args[0])
		if err != nil {
			return p, false
		}
		rest, ok := ReadPlan(string(raw))
		p.Rules, p.Else = append(p.Rules, rest.Rules...), rest.Else
		return p, ok && len(p.Rules) > 0
	}
	p.Else, ok = readServe(args[0])
	return p, ok && len(p.Rules) > 0
}

// ReadConditions is a segment's rule in words: conditions that must all hold; false
// when words cannot say it.
func ReadConditions(rule string) ([]Condition, bool) {
	var v any
	if json.Unmarshal([]byte(rule), &v) != nil {
		return nil, false
	}
	return readConditions(v)
}

// call is an operation and its arguments; one that stands alone is a list of one.
func call(v any) (op string, args []any, ok bool) {
	m, is := v.(logic)
	if !is || len(m) != 1 {
		return "", nil, false
	}
	for name, arg := range m {
		if list, is := arg.([]any); is {
			return name, list, true
		}
		return name, []any{arg}, true
	}
	return "", nil, false
}

func readConditions(v any) ([]Condition, bool) {
	op, args, ok := call(v)
	if !ok || op != "and" {
		c, ok := readCondition(v)
		return []Condition{c}, ok
	}
	var all []Condition
	for _, arg := range args {
		c, ok := readCondition(arg)
		if !ok {
			return nil, false
		}
		all = append(all, c)
	}
	return all, len(all) > 0
}

func readCondition(v any) (Condition, bool) {
	op, args, ok := call(v)
	if !ok {
		return Condition{}, false
	}
	switch {
	case op == "$ref" && len(args) == 1:
		name, ok := args[0].(string)
		return Condition{Operator: "segment", Values: []string{name}}, ok
	case op == "!" && len(args) == 1:
		return negated(args[0])
	case op == "!!" && len(args) == 1:
		a, ok := attribute(args[0])
		return Condition{Attribute: a, Operator: "set"}, ok
	case len(args) < 2:
		return Condition{}, false
	}
	if a, is := attribute(args[0]); is {
		return compared(op, a, args[1:])
	}
	text, isText := args[0].(string)
	if a, is := attribute(args[1]); is && isText && op == "in" && len(args) == 2 {
		return Condition{a, "contains", []string{text}}, true
	}
	return Condition{}, false
}

// compared is an attribute that is held against what follows it.
func compared(op, a string, args []any) (Condition, bool) {
	if list, is := args[0].([]any); is && op == "in" {
		c := Condition{Attribute: a, Operator: "is"}
		for _, v := range list {
			text, ok := v.(string)
			if !ok {
				return c, false
			}
			c.Values = append(c.Values, text)
		}
		return c, len(args) == 1 && len(list) > 0
	}
	text, isText := args[0].(string)
	number, isNumber := args[0].(float64)
	switch {
	case op == "sem_ver" && len(args) == 2 && isText:
		version, ok := args[1].(string)
		name := map[string]string{">=": "ver_gte", "<": "ver_lt"}[text]
		return Condition{a, name, []string{version}}, ok && name != ""
	case len(args) != 1:
		return Condition{}, false
	case (op == "==" || op == "===") && isText:
		return Condition{a, "is", []string{text}}, true
	case (op == "!=" || op == "!==") && isText:
		return Condition{a, "not", []string{text}}, true
	case (op == "starts_with" || op == "ends_with") && isText:
		return Condition{a, op, []string{text}}, true
	}
	for name, sign := range comparisons {
		if sign == op && isNumber {
			return Condition{a, name, []string{strconv.FormatFloat(number, 'f', -1, 64)}}, true
		}
	}
	return Condition{}, false
}

func negated(v any) (Condition, bool) {
	if a, is := attribute(v); is {
		return Condition{Attribute: a, Operator: "unset"}, true
	}
	c, ok := readCondition(v)
	switch {
	case ok && c.Operator == "is":
		c.Operator = "not"
	case ok && c.Operator == "segment":
		c.Operator = "not_segment"
	default:
		return c, false
	}
	return c, true
}

func attribute(v any) (string, bool) {
	op, args, ok := call(v)
	if !ok || op != "var" || len(args) != 1 {
		return "", false
	}
	name, ok := args[0].(string)
	return name, ok && name != ""
}

func readServe(v any) (Serve, bool) {
	if v == nil {
		return Serve{}, true
	}
	if name, is := v.(string); is {
		return Serve{Variant: name}, name != ""
	}
	op, args, ok := call(v)
	if !ok || op != "fractional" || len(args) == 0 {
		return Serve{}, false
	}
	var s Serve
	if by, is := bucketed(args[0]); is {
		s.By, args = by, args[1:]
	}
	for _, arg := range args {
		share, ok := readShare(arg)
		if !ok {
			return s, false
		}
		s.Split = append(s.Split, share)
	}
	return s, len(s.Split) > 0
}

// bucketed is the attribute of {"cat": [flag key, attribute]}.
func bucketed(v any) (string, bool) {
	op, args, ok := call(v)
	if !ok || op != "cat" || len(args) != 2 {
		return "", false
	}
	if first, is := attribute(args[0]); !is || first != "$flagd.flagKey" {
		return "", false
	}
	by, ok := attribute(args[1])
	if by == "targetingKey" {
		by = ""
	}
	return by, ok
}

func readShare(v any) (Share, bool) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 || len(list) > 2 {
		return Share{}, false
	}
	name, ok := list[0].(string)
	s := Share{Variant: name, Weight: 1}
	if len(list) == 2 {
		w, is := list[1].(float64)
		if !is || w != float64(int(w)) || w < 0 {
			return s, false
		}
		s.Weight = int(w)
	}
	return s, ok
}
