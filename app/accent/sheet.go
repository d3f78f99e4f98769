package accent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Sheet is a stylesheet that dresses pages in a brand. It is laid over ours.
type Sheet struct {
	Accent string // "" for ours
	Dark   string // the accent's variant in the dark theme; "" for one that is made of it
}

// Name is the file name of the sheet. It says all that the sheet is made of, and a hash of
// what it says, so that what is behind a name never changes, and an old page finds its own.
func (s Sheet) Name() string {
	sum := sha256.Sum256([]byte(s.CSS()))
	return strings.Join([]string{hex.EncodeToString(sum[:6]), part(s.Accent), part(s.Dark)}, "-") + ".css"
}

// part is a colour in a file name; 0 for none.
func part(color string) string {
	if color == "" {
		return "0"
	}
	return strings.ToLower(strings.TrimPrefix(color, "#"))
}

// Named is the sheet of a file name; false for a name that none has.
func Named(name string) (Sheet, bool) {
	parts := strings.Split(strings.TrimSuffix(name, ".css"), "-")
	if len(parts) != 3 {
		return Sheet{}, false
	}
	var s Sheet
	for i, to := range []*string{&s.Accent, &s.Dark} {
		if text := parts[i+1]; text != "0" {
			if *to = "#" + text; !Valid(*to) {
				return Sheet{}, false
			}
		}
	}
	return s, s.Name() == name
}

// Palettes are those of the light and of the dark theme; the accent is set.
func (s Sheet) Palettes() (light, dark Palette) {
	variant := s.Dark
	if variant == "" {
		variant = DarkOf(s.Accent)
	}
	return Light.Palette(s.Accent), Dark.Palette(variant)
}

// logoRule keeps a logo that was drawn for paper in sight on a dark page.
const logoRule = ".brand-logo { box-sizing: content-box; flex: none; padding: 4px; margin: -4px 0; border-radius: 6px; background: light-dark(transparent, #fff); }\n"

// CSS is the sheet's text.
func (s Sheet) CSS() string {
	if s.Accent == "" {
		return logoRule
	}
	light, dark := s.Palettes()
	var b strings.Builder
	b.WriteString(":root {\n")
	for _, v := range []struct{ name, light, dark string }{
		{"accent", light.Ground, dark.Ground}, {"accent-strong", light.Strong, dark.Strong}, {"on-accent", light.Ink, dark.Ink},
		{"accent-text", light.Text, dark.Text}, {"accent-tint", light.Tint, dark.Tint},
	} {
		fmt.Fprintf(&b, "  --%s: light-dark(%s, %s);\n", v.name, v.light, v.dark)
	}
	b.WriteString("}\n")
	// Rings, marks and icons have to be seen on the page, which the accent itself need not be.
	b.WriteString(":focus-visible { outline-color: var(--accent-text); }\n" +
		".input:focus-visible, .tabs [aria-current], .plan[aria-current] { border-color: var(--accent-text); }\n" +
		".mark, .alert-info > .icon { color: var(--accent-text); }\n" +
		".pill-info .dot { background: var(--accent-text); }\n" +
		"progress, meter, input { accent-color: var(--accent-text); }\n")
	if Contrast(light.Ground, Light.card) < Visible || Contrast(dark.Ground, Dark.card) < Visible {
		b.WriteString(".button-primary, .button-primary:hover { border-color: color-mix(in oklab, var(--accent) 70%, var(--n12)); }\n")
	}
	b.WriteString(logoRule)
	return b.String()
}
