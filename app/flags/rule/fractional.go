package rule

import (
	"fmt"
	"math"
)

// pair is one entry of a distribution.
type pair struct{ variant, weight expr }

// maxWeights is the most that the weights of a distribution may come to (flagd:
// "fractional operator").
const maxWeights = math.MaxInt32

// compileFractional compiles fractional, as flagd's second version defines it: the
// hash of a key, as a share of 2^32, of the sum of all weights. Who is in a bucket
// stays there when a bucket before it grows. It yields nil, and so the default
// variant, when there is no key or the weights are none.
func compileFractional(c *compiler, args []node) (expr, error) {
	by := expr(nil)
	if len(args) > 0 && args[0].kind != '[' {
		var err error
		if by, err = c.in("0", args[0]); err != nil {
			return nil, err
		}
		args = args[1:]
	}
	pairs := make([]pair, len(args))
	for i, n := range args {
		if n.kind != '[' || len(n.list) == 0 {
			return constant(nil), nil // flagd's own answer to it, which is no fault
		}
		c.path = append(c.path, fmt.Sprint(i))
		all, err := c.all(n.list)
		if err != nil {
			return nil, err
		}
		c.path = c.path[:len(c.path)-1]
		pairs[i] = pair{all[0], constant(float64(1))}
		if len(all) > 1 {
			pairs[i].weight = all[1]
		}
	}
	return func(s *state) any { return s.deal(by, pairs) }, nil
}

// deal gives a key its variant.
func (s *state) deal(by expr, pairs []pair) any {
	hash, ok := s.bucket(by)
	if !ok {
		return nil
	}
	var fixed [8]int64
	weights := fixed[:0]
	var total int64
	for _, p := range pairs {
		w, ok := weight(p.weight(s))
		if !ok {
			return nil
		}
		weights = append(weights, w)
		total += w
	}
	if total == 0 || total > maxWeights {
		return nil
	}
	place := int64((uint64(hash) * uint64(total)) >> 32)
	var end int64
	for i, w := range weights {
		if end += w; place < end {
			v := pairs[i].variant(s)
			if s.trace != nil {
				s.note(Step{What: "rollout", Place: place, Of: total, Variant: text(v)})
			}
			return scalar(v)
		}
	}
	return nil
}

// bucket is the hash that somebody is dealt by: of a value that the rule names, or
// of the flag's key and the targeting key.
func (s *state) bucket(by expr) (hash uint32, ok bool) {
	if by != nil {
		if key, isText := by(s).(string); isText {
			return murmur(key), true
		}
	}
	target, _ := s.context["targetingKey"].(string)
	if target == "" {
		return 0, false
	}
	return murmur2(s.flag.Key, target), true
}

// weight is an entry's: whole numbers, nothing counts as one, and less than
// nothing, which can come of a calculation, as none.
func weight(v any) (int64, bool) {
	if v == nil {
		return 1, true
	}
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || f > maxWeights || f != f {
		return 0, false
	}
	return max(0, int64(max(f, -1))), true
}

func scalar(v any) any {
	if compound(v) {
		return nil
	}
	return v
}
