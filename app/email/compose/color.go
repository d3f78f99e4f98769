package compose

import (
	"math"
	"regexp"
	"strconv"
)

var hexColor = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// buttonColors are a button's ground, the brand's accent, and the colour of the
// words on it: white or near-black, whichever is easier to read.
func buttonColors(accent string) (ground, ink string) {
	const deepBlue, white, black = "#0f5c8c", "#ffffff", "#1b2430"
	if !hexColor.MatchString(accent) {
		accent = deepBlue
	}
	if contrast(accent, white) >= contrast(accent, black) {
		return accent, white
	}
	return accent, black
}

// Accent is what becomes of an accent colour in mails: the ground of buttons, the
// colour of the words on it, and their contrast (WCAG 2.2, from 1 to 21).
func Accent(accent string) (ground, ink string, ratio float64) {
	ground, ink = buttonColors(accent)
	return ground, ink, contrast(ground, ink)
}

// contrast is the ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(hex string) float64 {
	n, _ := strconv.ParseUint(hex[1:], 16, 32) // the callers know that it is one
	linear := func(c uint64) float64 {
		s := float64(c&0xff) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
}
