package rule

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

// Trace is how an answer came about, in the order in which it was looked at.
type Trace struct{ Steps []Step }

// Step is one thing that was looked at.
type Step struct {
	What      string // off, prerequisite, condition, rollout, result
	Rule      string // of a condition: its JSON; of a prerequisite: the flag
	Met       bool   // of a condition or prerequisite
	Place, Of int64  // of a rollout: where the key falls, of the sum of the weights
	Variant   string // of a rollout, a prerequisite or the result
	Why       string // of off: killed or disabled
}

func (s *state) note(st Step) { *s.trace = append(*s.trace, st) }

// Explain is Evaluate, with how the answer came about.
func (s *Set) Explain(key string, c Context) (Result, Trace) {
	f := s.flags[key]
	if f == nil || f.fault != nil {
		return s.Evaluate(key, c), Trace{}
	}
	var steps []Step
	if off := s.off(f); off != "" {
		r := f.whenOff(off)
		return r, Trace{[]Step{{What: "off", Why: off, Variant: r.Variant}}}
	}
	st := &state{data: c, context: c, set: s, flag: f, trace: &steps}
	r := st.evaluate()
	return r, Trace{append(steps, Step{What: "result", Variant: r.Variant})}
}

// Words are the steps as sentences.
func (t Trace) Words() []string {
	var all []string
	for _, s := range t.Steps {
		all = append(all, s.words())
	}
	return all
}

func (s Step) words() string {
	switch s.What {
	case "off":
		return "The flag is " + s.Why + orNothing(", and serves ", s.Variant, ", and leaves the value to the caller") + "."
	case "prerequisite":
		return fmt.Sprintf("It needs %s, which serves %s: %s.", s.Rule, orNothing("", s.Variant, "nothing"), yes(s.Met, "met", "not met"))
	case "condition":
		return fmt.Sprintf("%s: %s.", s.Rule, yes(s.Met, "true", "false"))
	case "rollout":
		return fmt.Sprintf("Dealt to place %d of %d, which is %s.", s.Place, s.Of, orNothing("", s.Variant, "nothing"))
	}
	return "So it is " + orNothing("", s.Variant, "the caller's own default") + "."
}

func orNothing(before, s, nothing string) string {
	if strings.TrimSpace(s) == "" {
		return nothing
	}
	return before + s
}

func yes(met bool, a, b string) string {
	if met {
		return a
	}
	return b
}

// json is the node as JSON text.
func (n node) json() string {
	raw, err := json.Marshal(n.value(), json.Deterministic(true))
	if err != nil {
		return ""
	}
	return string(raw)
}
