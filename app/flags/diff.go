package flags

import (
	"bytes"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Difference is a part of two definitions that is not the same in both; a side
// without it is "".
type Difference struct {
	Path string `json:"path"` // "state", "variants.on", "targeting", "x-seaworthy.owner"
	From string `json:"from"` // JSON
	To   string `json:"to"`
}

// parted are the members whose own members are compared one by one. Targeting is
// compared whole: a part of a rule means nothing alone.
var parted = []string{"variants", "metadata", "x-seaworthy"}

// Diff is what differs between two definitions, in the order of the second.
func Diff(from, to string) []Difference {
	a, _ := parseObject([]byte(from))
	b, _ := parseObject([]byte(to))
	return diffObjects("", a, b)
}

func diffObjects(prefix string, a, b object) []Difference {
	all := []Difference{}
	names := []string{}
	for _, m := range slices.Concat(b, a) {
		if !slices.Contains(names, m.name) {
			names = append(names, m.name)
		}
	}
	for _, name := range names {
		x, y := a.get(name), b.get(name)
		if sameJSON(x, y) {
			continue
		}
		if prefix == "" && slices.Contains(parted, name) && kindOf(x) != '[' && kindOf(y) != '[' {
			xo, _ := parseObject(x)
			yo, _ := parseObject(y)
			inner := diffObjects(name+".", xo, yo)
			if len(inner) == 0 { // the same members in another order
				inner = []Difference{{name, string(x), string(y)}}
			}
			all = append(all, inner...)
			continue
		}
		all = append(all, Difference{prefix + name, string(x), string(y)})
	}
	return all
}

func kindOf(v jsontext.Value) jsontext.Kind {
	if len(v) == 0 {
		return 0
	}
	return v.Kind()
}

// sameJSON reports whether two values are the same but for blanks. The order of
// members counts: that of variants is what buckets go by.
func sameJSON(a, b jsontext.Value) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	x, y := a.Clone(), b.Clone()
	if x.Compact() != nil || y.Compact() != nil {
		return bytes.Equal(a, b)
	}
	return bytes.Equal(x, y)
}
