package accent

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// colors are many that a brand may have: a grid over all of sRGB, and every grey.
func colors(yield func(string) bool) {
	for r := 0; r <= 255; r += 15 {
		for g := 0; g <= 255; g += 15 {
			for b := 0; b <= 255; b += 15 {
				if !yield(fmt.Sprintf("#%02x%02x%02x", r, g, b)) {
					return
				}
			}
		}
	}
	for n := range 256 {
		if !yield(fmt.Sprintf("#%02x%02x%02x", n, n, n)) {
			return
		}
	}
}

func TestWordsCanBeReadOnEveryColor(t *testing.T) {
	t.Parallel()
	n := 0
	for c := range colors {
		n++
		light, dark := Sheet{Accent: c}.Palettes()
		for _, one := range []struct {
			name string
			Theme
			Palette
		}{{"light", Light, light}, {"dark", Dark, dark}, {"dark with its own variant", Dark, Dark.Palette(c)}} {
			pairs := [][3]string{{"button", one.Ground, one.Ink}, {"button under the pointer", one.Strong, one.Ink}, {"tint", one.Tint, one.Text}}
			for _, page := range one.page {
				pairs = append(pairs, [3]string{"page", page, one.Text})
			}
			for _, p := range pairs {
				if got := Contrast(p[1], p[2]); got < Readable {
					t.Fatalf("%s in %s: %s on the %s %s has a contrast of %.2f", c, one.name, p[2], p[0], p[1], got)
				}
			}
		}
		if light.Ground != c {
			t.Fatalf("the accent %s became %s", c, light.Ground)
		}
	}
	if n < 5000 {
		t.Errorf("only %d colours", n)
	}
}

// What is given in OKLCH by others comes back the same.
func TestTones(t *testing.T) {
	t.Parallel()
	for hex, want := range map[string]tone{ // as browsers compute them
		"#ffffff": {1, 0, 0}, "#000000": {0, 0, 0}, "#ff0000": {0.628, 0.2577, 29.23}, "#00ff00": {0.8664, 0.2948, 142.5}, "#0000ff": {0.452, 0.3132, 264.05}, "#808080": {0.5999, 0, 0},
	} {
		got := toneOf(hex)
		deg := math.Mod(got.h*180/math.Pi+360, 360)
		if math.Abs(got.l-want.l) > 0.001 || math.Abs(got.c-want.c) > 0.001 || want.c > 0 && math.Abs(deg-want.h) > 0.1 {
			t.Errorf("%s is %.4f %.4f %.2f, not %v", hex, got.l, got.c, deg, want)
		}
	}
	for c := range colors {
		back := toneOf(c).hex()
		r, g, b := channels(c)
		x, y, z := channels(back)
		if max(math.Abs(r-x), math.Abs(g-y), math.Abs(b-z)) > 2.1/255 {
			t.Fatalf("%s comes back as %s", c, back)
		}
	}
}

func TestContrastIsThatOfWCAG(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want float64
	}{{White, Black, 21}, {White, White, 1}, {"#767676", White, 4.54}, {"#0f5c8c", White, 7.17}} {
		if got := Contrast(c.a, c.b); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s on %s is %.3f, not %.2f", c.a, c.b, got, c.want)
		}
	}
}

func TestSheetNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range []Sheet{{}, {Accent: "#0f5c8c"}, {Accent: "#0f5c8c", Dark: "#7db4e0"}, {Accent: "#ffee00"}} {
		name := s.Name()
		if back, ok := Named(name); !ok || back.Name() != name || seen[name] {
			t.Errorf("%v is %s and comes back as %v", s, name, back)
		}
		seen[name] = true
	}
	good := Sheet{Accent: "#0f5c8c"}.Name()
	for _, bad := range []string{"", "x.css", "0-0-0.css", strings.Replace(good, "0f5c8c", "0f5c8d", 1), strings.ToUpper(good), good + ".css", strings.TrimSuffix(good, ".css"),
		strings.Replace(good, "0f5c8c", "}body{", 1), "../" + good} {
		if _, ok := Named(bad); ok {
			t.Errorf("%q names a sheet", bad)
		}
	}
}

func TestSheetSaysOnlyWhatItMust(t *testing.T) {
	t.Parallel()
	if css := (Sheet{}).CSS(); strings.Contains(css, "--accent") {
		t.Errorf("without an accent ours stays: %s", css)
	}
	css := Sheet{Accent: "#ffee00", Dark: "#aabb00"}.CSS()
	for _, want := range []string{"--accent: light-dark(#ffee00, #aabb00);", "--on-accent: light-dark(" + NearBlack + ", " + NearBlack + ");", ".button-primary, .button-primary:hover { border-color"} {
		if !strings.Contains(css, want) {
			t.Errorf("the sheet lacks %s:\n%s", want, css)
		}
	}
	if strings.Contains(Sheet{Accent: "#0f5c8c"}.CSS(), ".button-primary") {
		t.Error("a button that is seen anyway has no border")
	}
}

func FuzzNamed(f *testing.F) {
	f.Add(Sheet{}.Name())
	f.Add(Sheet{Accent: "#0f5c8c", Dark: "#7db4e0"}.Name())
	f.Fuzz(func(t *testing.T, name string) {
		s, ok := Named(name)
		if !ok {
			return
		}
		if s.Name() != name || strings.ContainsAny(name, "/{}") {
			t.Errorf("%q names %v", name, s)
		}
	})
}

func BenchmarkSheet(b *testing.B) {
	for b.Loop() {
		if len((Sheet{Accent: "#e11d48"}).CSS()) == 0 {
			b.Fatal("nothing")
		}
	}
}
