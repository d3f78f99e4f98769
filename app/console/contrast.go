package console

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// tone is a colour as the stylesheet writes it: OKLCH (CSS Color 4, section 9.3), lightness from 0 to 1.
type tone struct{ l, c, h float64 }

// token is a colour of the stylesheet in both themes.
type token struct {
	Name        string // without the two hyphens
	light, dark tone
}

var tokenLine = regexp.MustCompile(`(?m)^\s*--([a-z0-9-]+): light-dark\(oklch\(([0-9.]+)% ([0-9.]+) ([0-9.]+)\), oklch\(([0-9.]+)% ([0-9.]+) ([0-9.]+)\)\);`)

// tokensOf reads the colours of a stylesheet, so that the page of the design language cannot say what is
// not so.
func tokensOf(css string) (all []token) {
	for _, m := range tokenLine.FindAllStringSubmatch(css, -1) {
		n := func(i int) float64 { f, _ := strconv.ParseFloat(m[i], 64); return f }
		all = append(all, token{m[1], tone{n(2) / 100, n(3), n(4)}, tone{n(5) / 100, n(6), n(7)}})
	}
	return all
}

// luminance is the relative luminance of WCAG 2.2, from the linear sRGB that the OKLab matrices give
// (CSS Color 4, section 18); what lies outside of sRGB is cut off, as screens do.
func (t tone) luminance() float64 {
	a, b := t.c*math.Cos(t.h*math.Pi/180), t.c*math.Sin(t.h*math.Pi/180)
	l, m, s := t.l+0.3963377774*a+0.2158037573*b, t.l-0.1055613458*a-0.0638541728*b, t.l-0.0894841775*a-1.2914855480*b
	l, m, s = l*l*l, m*m*m, s*s*s
	cut := func(v float64) float64 { return min(1, max(0, v)) }
	return 0.2126*cut(4.0767416621*l-3.3077115913*m+0.2309699292*s) + 0.7152*cut(-1.2684380046*l+2.6097574011*m-0.3413193965*s) + 0.0722*cut(-0.0041960863*l-0.7034186147*m+1.7076147010*s)
}

// contrast is the ratio of WCAG 2.2 between two colours, from 1 to 21.
func contrast(one, other tone) float64 {
	a, b := one.luminance(), other.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// pairs are which text stands on which ground.
var pairs = []struct{ text, ground, where string }{
	{"n12", "n1", "text"}, {"n12", "surface", "text on cards"}, {"n11", "n1", "quiet text"}, {"n11", "n2", "quiet text in the navigation"}, {"n11", "n3", "quiet pills"}, {"n10", "n2", "labels of the navigation"},
	{"n10", "surface", "placeholders"}, {"accent-text", "n1", "links"}, {"accent-text", "accent-tint", "info pills"}, {"on-accent", "accent", "primary buttons"},
	{"ok-text", "ok-tint", "ok pills"}, {"warn-text", "warn-tint", "warn pills"}, {"danger-text", "danger-tint", "danger pills"}, {"danger-text", "surface", "figures that are bad"}, {"warn-text", "surface", "figures to look at"},
}

// leastContrast is what text needs (WCAG 2.2, 1.4.3).
const leastContrast = 4.5

// ratio is a pair with its contrast in both themes.
type ratio struct {
	Text, Ground, Where string
	Light, Dark         string
	Enough              bool
}

func ratiosOf(tokens []token) (all []ratio, err error) {
	by := map[string]token{}
	for _, t := range tokens {
		by[t.Name] = t
	}
	for _, p := range pairs {
		text, ok1 := by[p.text]
		ground, ok2 := by[p.ground]
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("the stylesheet has no %s or no %s", p.text, p.ground)
		}
		light, dark := contrast(text.light, ground.light), contrast(text.dark, ground.dark)
		all = append(all, ratio{p.text, p.ground, p.where, fmt.Sprintf("%.1f", light), fmt.Sprintf("%.1f", dark), min(light, dark) >= leastContrast})
	}
	return all, nil
}
