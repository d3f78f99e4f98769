package rule

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"
)

// Set is all flags at one moment. It never changes: whoever evaluates several from
// one sees no mix of versions.
type Set struct {
	flags map[string]*Flag
	keys  []string // sorted
	kill  Kill     // tags sorted
	clock func() time.Time
}

// maxNeeds is how far prerequisites reach. A circle that came in two saves ends there.
const maxNeeds = 16

// With is the set with a flag added or replaced.
func (s *Set) With(f *Flag) *Set {
	out := *s
	out.flags = maps.Clone(s.flags)
	if _, there := out.flags[f.Key]; !there {
		i, _ := slices.BinarySearch(s.keys, f.Key)
		out.keys = slices.Insert(slices.Clone(s.keys), i, f.Key)
	}
	out.flags[f.Key] = f
	return &out
}

// Without is the set without a flag.
func (s *Set) Without(key string) *Set {
	i, there := slices.BinarySearch(s.keys, key)
	if !there {
		return s
	}
	out := *s
	out.flags = maps.Clone(s.flags)
	delete(out.flags, key)
	out.keys = slices.Delete(slices.Clone(s.keys), i, i+1)
	return &out
}

// WithKill is the set with another kill switch.
func (s *Set) WithKill(k Kill) *Set {
	out := *s
	out.kill = Kill{All: k.All, Tags: slices.Sorted(slices.Values(k.Tags))}
	return &out
}

// Keys are the keys of all flags, sorted. Not to be changed.
func (s *Set) Keys() []string { return s.keys }

// Standing counts all flags, those that are killed, and those that cannot be evaluated.
func (s *Set) Standing() (all, killed, faulty int) {
	for _, f := range s.flags {
		all++
		if f.fault != nil {
			faulty++
		}
		if s.off(f) == "killed" {
			killed++
		}
	}
	return all, killed, faulty
}

// Flag is a flag of the set, nil if there is none.
func (s *Set) Flag(key string) *Flag { return s.flags[key] }

// Evaluate is what a flag says for a context.
func (s *Set) Evaluate(key string, c Context) Result {
	f := s.flags[key]
	if f == nil {
		return Result{Key: key, Reason: ReasonError, ErrorCode: FlagNotFound, ErrorDetails: "there is no such flag"}
	}
	return s.result(f, c)
}

func (s *Set) result(f *Flag, c Context) Result {
	if f.fault != nil {
		return f.static
	}
	if off := s.off(f); off != "" {
		return f.whenOff(off)
	}
	if f.targeting == nil && len(f.needs) == 0 {
		return f.static
	}
	st := states.Get().(*state)
	*st = state{data: c, context: c, set: s, flag: f}
	r := st.evaluate()
	*st = state{}
	states.Put(st)
	return r
}

// EvaluateAll is what every flag that keep wants says, by key, all of this set.
func (s *Set) EvaluateAll(c Context, keep func(*Flag) bool) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		for _, key := range s.keys {
			if f := s.flags[key]; (keep == nil || keep(f)) && !yield(s.result(f, c)) {
				return
			}
		}
	}
}

var states = sync.Pool{New: func() any { return new(state) }}

// off is why a flag is off: killed, or disabled by its state; "" if it is on.
func (s *Set) off(f *Flag) string {
	switch {
	case f.killed, s.kill.All && !f.exempt, len(s.kill.Tags) > 0 && f.tagged(s.kill.Tags):
		return "killed"
	case f.disabled:
		return "disabled"
	}
	return ""
}

// whenOff is what a flag says while it is off. Clients make different things of an
// answer without a value, so that one with an off variant has the reason STATIC, and
// why it is off in its metadata (spec/flags.md A4).
func (f *Flag) whenOff(why string) Result {
	r := f.offer
	if r.Reason == ReasonDisabled && why == "disabled" {
		return r
	}
	r.Metadata = maps.Clone(r.Metadata)
	if r.Metadata == nil {
		r.Metadata = map[string]any{}
	}
	if _, own := r.Metadata[why]; own {
		r.of = nil
	}
	r.Metadata[why], r.why = true, why
	return r
}

// evaluate is what the state's flag says: prerequisites first, then its rules.
func (s *state) evaluate() Result {
	f := s.flag
	for _, n := range f.needs {
		if !s.met(n) {
			if s.spent {
				return s.tooMuch()
			}
			if f.off != "" {
				return f.answer(f.off, ReasonDefault)
			}
			return s.fallback()
		}
	}
	if f.targeting == nil {
		return f.static
	}
	v := f.targeting(s)
	if s.spent {
		return s.tooMuch()
	}
	if f, isNumber := v.(float64); v == nil || isNumber && f != f {
		return s.fallback()
	}
	name, isText := v.(string)
	if !isText && !compound(v) {
		name = text(v)
	}
	if _, ok := f.values[name]; ok && !compound(v) {
		return f.answer(name, ReasonTargeting)
	}
	return Result{Key: f.Key, Reason: ReasonError, ErrorCode: General, ErrorDetails: "the rules name a variant that there is not", Metadata: f.metadata}
}

func (s *state) tooMuch() Result {
	return Result{Key: s.flag.Key, Metadata: s.flag.metadata, Reason: ReasonError, ErrorCode: General, ErrorDetails: fmt.Sprintf("the rules look at more than %d values", maxWork)}
}

func (s *state) fallback() Result {
	if s.flag.fallback == "" {
		return s.flag.without(ReasonDefault)
	}
	return s.flag.answer(s.flag.fallback, ReasonDefault)
}

// met reports whether a prerequisite serves a variant that will do. Each is a step: flags that each need
// twenty others, sixteen deep, would never come to an end.
func (s *state) met(n need) bool {
	if !s.step() {
		return false
	}
	other := s.set.flags[n.flag]
	ok := false
	var got string
	if other != nil && other.fault == nil && s.deep < maxNeeds {
		if off := s.set.off(other); off != "" {
			got = other.whenOff(off).Variant
		} else {
			inner := state{data: s.context, context: s.context, set: s.set, flag: other, work: s.work, deep: s.deep + 1}
			got = inner.evaluate().Variant
			s.work, s.spent = inner.work, s.spent || inner.spent
		}
		ok = got != "" && slices.Contains(n.variants, got)
	}
	if s.trace != nil {
		s.note(Step{What: "prerequisite", Rule: n.flag, Variant: got, Met: ok})
	}
	return ok
}
