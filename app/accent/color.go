// Package accent makes of one colour of a brand what pages need of it in both themes:
// grounds, inks and words that can be read whatever the colour is.
package accent

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// The inks that words on a coloured ground have. Near-black is kinder than black, which
// is taken where it alone is dark enough.
const (
	White     = "#ffffff"
	NearBlack = "#1b2430"
	Black     = "#000000"
)

// Readable is the least contrast of words, Visible that of what is no word: a ring, an
// icon (WCAG 2.2, success criteria 1.4.3 and 1.4.11).
const (
	Readable = 4.5
	Visible  = 3.0
)

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// Valid reports whether a text is a colour as #rrggbb.
func Valid(hex string) bool { return hexColor.MatchString(hex) }

// Contrast is the ratio of WCAG 2.2 between two colours, from 1 to 21. Both are valid.
func Contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// Ink is the colour of words on a ground: white or near-black, whichever is easier to
// read, and black where near-black is not dark enough. One of white and black always
// has a contrast of 4.58 at least.
func Ink(ground string) string {
	white, near := Contrast(ground, White), Contrast(ground, NearBlack)
	switch {
	case white >= Readable && white >= near:
		return White
	case near >= Readable:
		return NearBlack
	case white >= Readable:
		return White
	}
	return Black
}

func luminance(hex string) float64 {
	r, g, b := channels(hex)
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

// channels are red, green and blue from 0 to 1.
func channels(hex string) (r, g, b float64) {
	n, _ := strconv.ParseUint(hex[1:], 16, 32) // the callers know that it is one
	return float64(n>>16&0xff) / 255, float64(n>>8&0xff) / 255, float64(n&0xff) / 255
}

// linear is the light that a channel of sRGB stands for.
func linear(c float64) float64 {
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}

// encoded is the inverse of linear.
func encoded(l float64) float64 {
	if l <= 0.0031308 {
		return l * 12.92
	}
	return 1.055*math.Pow(l, 1/2.4) - 0.055
}

// tone is a colour in OKLCH (CSS Color 4, section 9.4): lightness and chroma from 0, hue in radians.
type tone struct{ l, c, h float64 }

// toneOf is a colour in OKLCH.
func toneOf(hex string) tone {
	r, g, b := channels(hex)
	r, g, b = linear(r), linear(g), linear(b)
	l := math.Cbrt(0.4122214708*r + 0.5363325363*g + 0.0514459929*b)
	m := math.Cbrt(0.2119034982*r + 0.6806995451*g + 0.1073969566*b)
	s := math.Cbrt(0.0883024619*r + 0.2817188376*g + 0.6299787005*b)
	x := 1.9779984951*l - 2.4285922050*m + 0.4505937099*s
	y := 0.0259040371*l + 0.7827717662*m - 0.8086757660*s
	return tone{l: 0.2104542553*l + 0.7936177850*m - 0.0040720468*s, c: math.Hypot(x, y), h: math.Atan2(y, x)}
}

// hex is the colour of a tone, with as much of its chroma as screens can show.
func (t tone) hex() string {
	t.l = min(max(t.l, 0), 1)
	for ; t.c > 0; t.c -= 0.004 {
		if r, g, b := t.light(); shown(r) && shown(g) && shown(b) {
			break
		}
	}
	t.c = max(t.c, 0)
	r, g, b := t.light()
	return fmt.Sprintf("#%02x%02x%02x", eight(r), eight(g), eight(b))
}

// light is the linear light of red, green and blue.
func (t tone) light() (r, g, b float64) {
	x, y := t.c*math.Cos(t.h), t.c*math.Sin(t.h)
	l := math.Pow(t.l+0.3963377774*x+0.2158037573*y, 3)
	m := math.Pow(t.l-0.1055613458*x-0.0638541728*y, 3)
	s := math.Pow(t.l-0.0894841775*x-1.2914855480*y, 3)
	return 4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s
}

// shown reports whether screens can show so much light of a channel.
func shown(l float64) bool { return l > -0.0005 && l < 1.0005 }

func eight(l float64) int { return int(math.Round(255 * min(max(encoded(l), 0), 1))) }
