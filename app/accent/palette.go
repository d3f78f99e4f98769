package accent

// Palette is what pages make of an accent in one theme. All are #rrggbb.
type Palette struct {
	Ground string // of primary buttons: the accent itself
	Strong string // of such a button under the pointer
	Ink    string // words on both
	Text   string // words, rings and icons in the accent on the page
	Tint   string // a ground that is only a little of it
}

// Theme is light or dark.
type Theme struct {
	page []string // the lightest and the darkest ground that words in the accent stand on
	card string   // what buttons stand on
	tint float64  // lightness of a tint
	wash float64  // most chroma of a tint
	away float64  // which way lightness goes to stand out more
}

// The themes, with the grounds of css/app.css: --surface, --n1 and --n4.
var (
	Light = Theme{page: []string{"#ffffff", "#e8ecf0"}, card: "#ffffff", tint: 0.963, wash: 0.022, away: -1}
	Dark  = Theme{page: []string{"#0b0f13", "#1f262c"}, card: "#101418", tint: 0.25, wash: 0.04, away: 1}
)

// step is how much lightness changes at once while a colour that can be read is looked for.
const step = 0.005

// Palette is that of an accent in a theme. The ground is the accent as it is; all else is
// made so that it can be read.
func (t Theme) Palette(accent string) Palette {
	own := toneOf(accent)
	p := Palette{Ground: accent, Ink: Ink(accent)}
	p.Strong = pressed(own, p.Ink)
	p.Tint = tone{t.tint, min(own.c, t.wash), own.h}.hex()
	p.Text = t.standOut(own, Readable, append([]string{p.Tint}, t.page...)...)
	return p
}

// DarkOf is the dark theme's variant of an accent where a brand has none: as it is if it can
// be seen on a dark page, else lighter. Words have a colour of their own.
func DarkOf(accent string) string {
	if Contrast(accent, Dark.card) >= Visible {
		return accent
	}
	return Dark.standOut(toneOf(accent), Readable, Dark.card)
}

// standOut moves a colour away from the page until its contrast with all grounds is at least that.
func (t Theme) standOut(own tone, least float64, grounds ...string) string {
	for l := own.l; l >= 0 && l <= 1; l += t.away * step {
		hex := tone{l, own.c, own.h}.hex()
		enough := true
		for _, g := range grounds {
			enough = enough && Contrast(hex, g) >= least
		}
		if enough {
			return hex
		}
	}
	if t.away < 0 {
		return Black
	}
	return White
}

// pressed is a ground a little away from its ink, or towards it where there is no room and
// the words on it can still be read.
func pressed(own tone, ink string) string {
	by := 0.06
	if ink == White {
		by = -by
	}
	if own.l+by < 0.02 || own.l+by > 0.99 {
		by = -by
	}
	strong := tone{own.l + by, own.c, own.h}.hex()
	if Contrast(strong, ink) < Readable {
		return own.hex()
	}
	return strong
}
