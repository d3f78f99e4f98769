package compose

import "seaworthy/app/accent"

// deepBlue is the accent of mails whose brand has none.
const deepBlue = "#0f5c8c"

// buttonColors are a button's ground, the brand's accent, and the colour of the
// words on it.
func buttonColors(color string) (ground, ink string) {
	if !accent.Valid(color) {
		color = deepBlue
	}
	return color, accent.Ink(color)
}
