package upgrade

import (
	"cmp"
	"strconv"
	"strings"
)

// release is a version as Semantic Versioning 2.0.0 has it, without what follows a +.
type release struct {
	numbers [3]uint64
	before  []string // of a pre-release, as rc and 1
}

// isRelease reports whether a version can be compared.
func isRelease(text string) bool {
	_, ok := parseRelease(text)
	return ok
}

// compare orders two versions; known is false where one of them is no release.
func compare(a, b string) (order int, known bool) {
	x, ok := parseRelease(a)
	y, ok2 := parseRelease(b)
	if !ok || !ok2 {
		return 0, false
	}
	for i := range x.numbers {
		if c := cmp.Compare(x.numbers[i], y.numbers[i]); c != 0 {
			return c, true
		}
	}
	return comparePre(x.before, y.before), true
}

func parseRelease(text string) (r release, ok bool) {
	text, _, _ = strings.Cut(strings.TrimPrefix(text, "v"), "+")
	core, pre, has := strings.Cut(text, "-")
	if has {
		if pre == "" {
			return r, false
		}
		r.before = strings.Split(pre, ".")
	}
	parts := strings.Split(core, ".")
	if len(parts) != len(r.numbers) {
		return r, false
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return r, false
		}
		r.numbers[i] = n
	}
	return r, true
}

// comparePre orders pre-releases (semver.org, clause 11): none comes after any; numbers
// by their value and before words.
func comparePre(a, b []string) int {
	switch {
	case len(a) == 0 || len(b) == 0:
		return cmp.Compare(len(b), len(a))
	}
	for i := range min(len(a), len(b)) {
		x, errX := strconv.ParseUint(a[i], 10, 64)
		y, errY := strconv.ParseUint(b[i], 10, 64)
		c := 0
		switch {
		case errX == nil && errY == nil:
			c = cmp.Compare(x, y)
		case errX == nil:
			c = -1
		case errY == nil:
			c = 1
		default:
			c = cmp.Compare(a[i], b[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}
