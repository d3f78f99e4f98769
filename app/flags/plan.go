package flags

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// Plan is targeting as people think of it: rules in an order, the first whose
// conditions all hold decides, and what everybody else gets. Most targeting can be
// written so; what cannot is edited as JSON.
type Plan struct {
	Rules []Rule
	Else  Serve
}

// Rule serves something to those whom all its conditions fit.
type Rule struct {
	All   []Condition
	Serve Serve
}

// Condition compares an attribute of the context, or names a segment.
type Condition struct {
	Attribute string // "" for a segment
	Operator  string // one of Operators
	Values    []string
}

// Serve is one variant, or a rollout over several; neither is the default variant.
type Serve struct {
	Variant string
	By      string // attribute that is bucketed by; "" for the targeting key
	Split   []Share
}

// Share is how much of a rollout a variant gets. The order of shares is the order
// of buckets: a variant that grows takes from its neighbour behind.
type Share struct {
	Variant string
	Weight  int
}

// Operator is one way to compare.
type Operator struct {
	Name, Words string
	Values      int // how many it takes: 0, 1, or 2 for several
}

// Operators are those that the form of rules offers.
var Operators = []Operator{
	{"is", "is one of", 2}, {"not", "is not one of", 2}, {"contains", "contains", 1}, {"starts_with", "starts with", 1}, {"ends_with", "ends with", 1},
	{"gt", "is more than", 1}, {"gte", "is at least", 1}, {"lt", "is less than", 1}, {"lte", "is at most", 1},
	{"ver_gte", "is version, or later,", 1}, {"ver_lt", "is a version before", 1}, {"set", "is known", 0}, {"unset", "is not known", 0},
	{"segment", "in the segment", 1}, {"not_segment", "not in the segment", 1},
}

func operatorNamed(name string) (Operator, bool) {
	i := slices.IndexFunc(Operators, func(o Operator) bool { return o.Name == name })
	if i < 0 {
		return Operator{}, false
	}
	return Operators[i], true
}

// Words is the condition as a person reads it.
func (c Condition) Words() string {
	o, _ := operatorNamed(c.Operator)
	return strings.TrimSpace(strings.Join([]string{c.Attribute, o.Words, strings.Join(c.Values, ", ")}, " "))
}

// comparisons are the operators of JsonLogic that compare an attribute with a number.
var comparisons = map[string]string{"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

type logic = map[string]any

func (c Condition) logic() (any, error) {
	attribute := logic{"var": c.Attribute}
	value := ""
	if len(c.Values) > 0 {
		value = c.Values[0]
	}
	switch c.Operator {
	case "is":
		return logic{"in": []any{attribute, anys(c.Values)}}, nil
	case "not":
		return logic{"!": []any{logic{"in": []any{attribute, anys(c.Values)}}}}, nil
	case "contains":
		return logic{"in": []any{value, attribute}}, nil
	case "starts_with", "ends_with":
		return logic{c.Operator: []any{attribute, value}}, nil
	case "gt", "gte", "lt", "lte":
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, fmt.Errorf("%s needs a number, not %q", c.Words(), value)
		}
		return logic{comparisons[c.Operator]: []any{attribute, n}}, nil
	case "ver_gte":
		return logic{"sem_ver": []any{attribute, ">=", value}}, nil
	case "ver_lt":
		return logic{"sem_ver": []any{attribute, "<", value}}, nil
	case "set":
		return logic{"!!": []any{attribute}}, nil
	case "unset":
		return logic{"!": []any{attribute}}, nil
	case "segment":
		return logic{"$ref": value}, nil
	case "not_segment":
		return logic{"!": []any{logic{"$ref": value}}}, nil
	}
	return nil, fmt.Errorf("%q is no comparison", c.Operator)
}

func anys(values []string) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}

func allOf(all []Condition) (any, error) {
	var parts []any
	for _, c := range all {
		part, err := c.logic()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return logic{"and": parts}, nil
}

func (s Serve) logic() any {
	if len(s.Split) == 0 {
		if s.Variant == "" {
			return nil
		}
		return s.Variant
	}
	var parts []any
	if s.By != "" {
		// As flagd does it for the targeting key: the flag's own key first, so that
		// the buckets of two flags have nothing to do with each other.
		parts = append(parts, logic{"cat": []any{logic{"var": "$flagd.flagKey"}, logic{"var": s.By}}})
	}
	for _, share := range s.Split {
		parts = append(parts, []any{share.Variant, share.Weight})
	}
	return logic{"fractional": parts}
}

// Targeting is the plan as JsonLogic; "" where everybody gets the default variant.
func (p Plan) Targeting() (string, error) {
	otherwise := p.Else.logic()
	if len(p.Rules) == 0 {
		// A variant that is served to everybody has to be an expression too.
		if s, ok := otherwise.(string); ok {
			otherwise = logic{"if": []any{true, s}}
		}
		return marshal(otherwise)
	}
	var parts []any
	for _, r := range p.Rules {
		when, err := allOf(r.All)
		if err != nil {
			return "", err
		}
		parts = append(parts, when, r.Serve.logic())
	}
	if otherwise != nil {
		parts = append(parts, otherwise)
	}
	return marshal(logic{"if": parts})
}

func marshal(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	raw, err := json.Marshal(v, json.Deterministic(true))
	return string(raw), err
}

// Conditions is the rule of a segment: conditions that must all hold.
func Conditions(all []Condition) (string, error) {
	v, err := allOf(all)
	if err != nil {
		return "", err
	}
	return marshal(v)
}
