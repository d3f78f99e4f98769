package flags

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Serves is what a definition serves, in a few words: "2 rules, then on 25 %, off 75 %".
func (d Definition) Serves() string {
	if len(d.Variants) == 0 {
		return "nothing"
	}
	plan, ok := ReadPlan(d.Targeting)
	if !ok {
		return "by rules in JSON"
	}
	rest := d.words(plan.Else)
	switch n := len(plan.Rules); n {
	case 0:
		return rest
	case 1:
		return "1 rule, then " + rest
	default:
		return strconv.Itoa(n) + " rules, then " + rest
	}
}

// words is what is served, as a person reads it.
func (d Definition) words(s Serve) string {
	if len(s.Split) == 0 {
		switch {
		case s.Variant != "":
			return s.Variant
		case d.Default != "":
			return d.Default
		}
		return "the caller’s own default"
	}
	text := s.Words()
	if s.By != "" {
		text += " by " + s.By
	}
	return text
}

// Words is what is served, as a person reads it; "" for the default variant.
func (s Serve) Words() string {
	if len(s.Split) == 0 {
		return s.Variant
	}
	var parts []string
	for _, share := range s.Split {
		parts = append(parts, share.Variant+" "+Percent(share.Weight, s.Sum())+" %")
	}
	return strings.Join(parts, ", ")
}

// Sum is the sum of all weights.
func (s Serve) Sum() (sum int) {
	for _, share := range s.Split {
		sum += share.Weight
	}
	return sum
}

// Percent is a weight as a part of all, to a tenth.
func Percent(weight, sum int) string {
	if sum == 0 {
		return "0"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*float64(weight)/float64(sum)), ".0")
}

// Words is a patch as a person reads it.
func (p Patch) Words() string {
	var parts []string
	if p.State != nil {
		parts = append(parts, map[string]string{"ENABLED": "switch on", "DISABLED": "switch off"}[*p.State])
	}
	if p.DefaultVariant != nil {
		parts = append(parts, "default variant "+cmp.Or(*p.DefaultVariant, "none, but the caller’s own"))
	}
	if p.Rollout != nil {
		s := Serve{By: p.Rollout.By}
		for _, share := range p.Rollout.Shares {
			s.Split = append(s.Split, Share(share))
		}
		if len(s.Split) == 0 {
			parts = append(parts, "no rollout")
		} else {
			parts = append(parts, "roll out "+s.Words())
		}
	}
	return strings.Join(parts, ", ")
}

// Pretty is JSON as people read it.
func Pretty(raw string) string { return pretty(raw) }
