package console

import (
	"slices"
	"strconv"
	"strings"

	"seaworthy/app/flags"
	"seaworthy/app/web"
)

// filled are the rules in which something was typed, in their order.
func filled(rows []ruleRow) []ruleRow {
	var all []ruleRow
	for _, row := range rows {
		row.Conditions = slices.DeleteFunc(slices.Clone(row.Conditions), func(c conditionRow) bool { return c.empty() })
		if len(row.Conditions) > 0 {
			all = append(all, row)
		}
	}
	slices.SortStableFunc(all, func(a, b ruleRow) int { return a.Number - b.Number })
	for i := range all {
		all[i].Number = i + 1
	}
	return all
}

func (c conditionRow) empty() bool { return c.Attribute == "" && c.Values == "" }

// planOf is what the rows say; everybody else gets what they got.
func planOf(rows []ruleRow, otherwise flags.Serve) (flags.Plan, error) {
	p := flags.Plan{Else: otherwise}
	var c web.Check
	for _, row := range filled(rows) {
		rule, at := flags.Rule{}, "Rule "+strconv.Itoa(row.Number)+": "
		for _, cond := range row.Conditions {
			one, wrong := conditionOf(cond)
			c.Fault(wrong == "", "rules", "form", at+wrong)
			rule.All = append(rule.All, one)
		}
		serve, wrong := serveOf(row)
		c.Fault(wrong == "", "rules", "form", at+wrong)
		rule.Serve = serve
		p.Rules = append(p.Rules, rule)
	}
	return p, c.Err()
}

// conditionOf is a condition as it was typed, and what is wrong with it.
func conditionOf(row conditionRow) (flags.Condition, string) {
	c := flags.Condition{Attribute: row.Attribute, Operator: row.Operator}
	i := slices.IndexFunc(flags.Operators, func(o flags.Operator) bool { return o.Name == row.Operator })
	if i < 0 {
		return c, "choose how to compare."
	}
	o := flags.Operators[i]
	segment := strings.HasSuffix(o.Name, "segment")
	if segment {
		c.Attribute = ""
	}
	switch {
	case o.Values == 2:
		for v := range strings.SplitSeq(row.Values, ",") {
			if v = strings.TrimSpace(v); v != "" {
				c.Values = append(c.Values, v)
			}
		}
	case o.Values == 1 && row.Values != "":
		c.Values = []string{row.Values}
	}
	switch {
	case !segment && c.Attribute == "":
		return c, "name the attribute."
	case o.Values > 0 && len(c.Values) == 0:
		return c, "say what to compare with."
	}
	return c, ""
}

// serveOf is what a rule serves.
func serveOf(row ruleRow) (flags.Serve, string) {
	if row.Serve != byRollout {
		return flags.Serve{Variant: row.Serve}, ""
	}
	return splitOf(row.Split)
}

// splitOf reads "on 25, off 75 by org".
func splitOf(text string) (s flags.Serve, wrong string) {
	const form = "write a rollout as on 25, off 75"
	shares, by, _ := strings.Cut(text, " by ")
	s.By = strings.TrimSpace(by)
	for part := range strings.SplitSeq(shares, ",") {
		name, weight, ok := strings.Cut(strings.TrimSpace(part), " ")
		n, err := strconv.Atoi(strings.TrimSpace(weight))
		if !ok || err != nil || n < 0 {
			return s, form + "."
		}
		s.Split = append(s.Split, flags.Share{Variant: name, Weight: n})
	}
	return s, ""
}
