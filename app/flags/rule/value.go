package rule

import (
	"math"
	"strconv"
	"strings"
)

// JsonLogic is defined by its first implementation, in JavaScript; so are the
// conversions of its values (ECMA-262 section 7.1).

// truthy is JsonLogic's own notion: an empty array is false too.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0 && v == v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	}
	return true
}

// plain is a value that a Go program may have put into a context, as JSON has it.
func plain(v any) any {
	switch v := v.(type) {
	case nil, bool, float64, string, []any, map[string]any:
		return v
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case int32:
		return float64(v)
	case uint64:
		return float64(v)
	case float32:
		return float64(v)
	case Context:
		return map[string]any(v)
	case []string:
		all := make([]any, len(v))
		for i, s := range v {
			all[i] = s
		}
		return all
	}
	return nil
}

// number is ToNumber.
func number(v any) float64 {
	switch v := v.(type) {
	case nil:
		return 0
	case bool:
		if v {
			return 1
		}
		return 0
	case float64:
		return v
	case string:
		return textNumber(v)
	case []any:
		return textNumber(text(v))
	}
	return math.NaN()
}

func textNumber(s string) float64 {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0
	}
	if strings.ContainsAny(s, "_pPxXnN") && !strings.EqualFold(s, "infinity") {
		return math.NaN() // which Go would read and JavaScript writes otherwise
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return math.NaN()
	}
	return f
}

// leadingNumber is parseFloat: the number that a text begins with.
func leadingNumber(v any) float64 {
	s, isText := v.(string)
	if !isText {
		if _, isBool := v.(bool); isBool || v == nil {
			return math.NaN()
		}
		if f, ok := v.(float64); ok {
			return f
		}
		s = text(v)
	}
	s = strings.TrimSpace(s)
	end, digits, dot := 0, false, false
	for end < len(s) {
		c := s[end]
		switch {
		case c >= '0' && c <= '9':
			digits = true
		case (c == '-' || c == '+') && end == 0:
		case c == '.' && !dot:
			dot = true
		default:
			goto done
		}
		end++
	}
done:
	if !digits {
		return math.NaN()
	}
	f, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return math.NaN()
	}
	return f
}

// text is ToString.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return numberText(v)
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			if e != nil {
				parts[i] = text(e)
			}
		}
		return strings.Join(parts, ",")
	}
	return "[object Object]"
}

func numberText(f float64) string {
	switch {
	case f != f:
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		return "0"
	case math.Abs(f) < 1e21 && math.Abs(f) >= 1e-6:
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// same is ===; two arrays or objects are never the same.
func same(a, b any) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case float64:
		b, ok := b.(float64)
		return ok && a == b
	case string:
		b, ok := b.(string)
		return ok && a == b
	}
	return false
}

// alike is == (ECMA-262 section 7.2.14).
func alike(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if same(a, b) {
		return true
	}
	_, textA := a.(string)
	_, textB := b.(string)
	if textA && textB || compound(a) && compound(b) {
		return false
	}
	if compound(a) && textB || compound(b) && textA {
		return text(a) == text(b)
	}
	return number(a) == number(b)
}

func compound(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// less is <; two texts are compared as texts, all else as numbers.
func less(a, b any) bool {
	ta, okA := a.(string)
	tb, okB := b.(string)
	if okA && okB {
		return ta < tb
	}
	return number(a) < number(b)
}

func lessOrSame(a, b any) bool {
	ta, okA := a.(string)
	tb, okB := b.(string)
	if okA && okB {
		return ta <= tb
	}
	return number(a) <= number(b)
}
