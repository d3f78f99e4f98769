package rule

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/semver"
)

// binary are the operators of two arguments; more are ignored, and nothing stands
// for those that are not given.
var binary = map[string]func(a, b any) any{
	"==":  func(a, b any) any { return alike(a, b) },
	"!=":  func(a, b any) any { return !alike(a, b) },
	"===": func(a, b any) any { return same(a, b) },
	"!==": func(a, b any) any { return !same(a, b) },
	">":   func(a, b any) any { return less(b, a) },
	">=":  func(a, b any) any { return lessOrSame(b, a) },
	"in":  contains,
}

// functions are the other operators that only look at their arguments.
var functions = map[string]func([]any) any{
	"!":  func(a []any) any { return !truthy(at(a, 0)) },
	"!!": func(a []any) any { return truthy(at(a, 0)) },
	"<":  between(less),
	"<=": between(lessOrSame),

	"+":   func(a []any) any { return fold(a, 0, func(x, y float64) float64 { return x + y }) },
	"*":   func(a []any) any { return fold(a, 1, func(x, y float64) float64 { return x * y }) },
	"-":   minus,
	"/":   func(a []any) any { return number(at(a, 0)) / number(at(a, 1)) },
	"%":   func(a []any) any { return math.Mod(number(at(a, 0)), number(at(a, 1))) },
	"max": func(a []any) any { return extreme(a, math.Inf(-1), math.Max) },
	"min": func(a []any) any { return extreme(a, math.Inf(1), math.Min) },

	"merge":  merge,
	"cat":    func(a []any) any { return cat(a) },
	"substr": substr,
	"log":    func(a []any) any { return at(a, 0) },

	"starts_with": affix(strings.HasPrefix),
	"ends_with":   affix(strings.HasSuffix),
	"sem_ver":     version,
}

func at(a []any, i int) any {
	if i < len(a) {
		return a[i]
	}
	return nil
}

// between is < or <=, of two or, as a range, of three.
func between(ordered func(a, b any) bool) func([]any) any {
	return func(a []any) any {
		if len(a) > 2 {
			return ordered(a[0], a[1]) && ordered(a[1], a[2])
		}
		return ordered(at(a, 0), at(a, 1))
	}
}

func fold(a []any, start float64, f func(x, y float64) float64) any {
	for _, v := range a {
		start = f(start, leadingNumber(v))
	}
	return start
}

func minus(a []any) any {
	if len(a) < 2 {
		return -number(at(a, 0))
	}
	return number(a[0]) - number(a[1])
}

func extreme(a []any, start float64, f func(x, y float64) float64) any {
	for _, v := range a {
		start = f(start, number(v))
	}
	return start
}

func merge(a []any) any {
	out := []any{}
	for _, v := range a {
		if list, ok := v.([]any); ok {
			out = append(out, list...)
		} else {
			out = append(out, v)
		}
	}
	return out
}

// contains is in: a text in a text, or a value in a list.
func contains(what, where any) any {
	switch where := where.(type) {
	case string:
		return strings.Contains(where, text(what))
	case []any:
		return slices.ContainsFunc(where, func(v any) bool { return same(plain(v), what) })
	}
	return false
}

func cat(a []any) string {
	var b strings.Builder
	for _, v := range a {
		if v != nil {
			b.WriteString(text(v))
		}
	}
	return b.String()
}

// substr is JavaScript's, with a negative length that leaves out the end. Places
// are counted in characters; JavaScript counts halves of those beyond the first plane.
func substr(a []any) any {
	s := []rune(text(at(a, 0)))
	from := clamp(number(at(a, 1)), len(s))
	rest := s[from:]
	if len(a) < 3 || a[2] == nil {
		return string(rest)
	}
	n := number(a[2])
	if n < 0 {
		return string(rest[:max(0, len(rest)+int(max(n, float64(-len(rest)))))])
	}
	return string(rest[:int(min(n, float64(len(rest))))])
}

// clamp is a place in n characters, from the end if it is negative.
func clamp(f float64, n int) int {
	if f != f {
		return 0
	}
	if f < 0 {
		return int(max(0, float64(n)+math.Ceil(f)))
	}
	return int(min(f, float64(n)))
}

// affix is starts_with or ends_with: nil, and so the default variant, for what is
// not two texts.
func affix(has func(s, part string) bool) func([]any) any {
	return func(a []any) any {
		s, ok1 := at(a, 0).(string)
		part, ok2 := at(a, 1).(string)
		if len(a) != 2 || !ok1 || !ok2 {
			return nil
		}
		return has(s, part)
	}
}

// version is sem_ver: nil for what is no version, no operator, or not three.
func version(a []any) any {
	if len(a) != 3 {
		return nil
	}
	v, ok1 := versionText(a[0])
	op, ok2 := a[1].(string)
	w, ok3 := versionText(a[2])
	if !ok1 || !ok2 || !ok3 {
		return nil
	}
	c := semver.Compare(v, w)
	switch op {
	case "=":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "^":
		return semver.Major(v) == semver.Major(w)
	case "~":
		return semver.MajorMinor(v) == semver.MajorMinor(w)
	}
	return nil
}

// versionText writes a version as package semver wants it.
func versionText(v any) (string, bool) {
	s, isText := v.(string)
	if !isText {
		f, isNumber := v.(float64)
		if !isNumber {
			return "", false
		}
		s = numberText(f)
	}
	if !utf8.ValidString(s) || len(s) > 256 {
		return "", false
	}
	if s == "" || s[0] != 'v' {
		s = "v" + strings.TrimPrefix(s, "V")
	}
	return s, semver.IsValid(s)
}
