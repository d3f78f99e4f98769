package compat

import (
	"math"
	"strings"
	"testing"
)

func checker(t testing.TB) *Checker {
	t.Helper()
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func document(body string) string {
	return "<!doctype html><html><head><meta charset=utf-8><title>x</title></head><body>" + body + "</body></html>"
}

func TestScoreFollowsTheData(t *testing.T) {
	t.Parallel()
	c := checker(t)
	share := func(slug string) (lacking float64) {
		for _, f := range c.features {
			if f.Slug == slug {
				return float64(f.No) / float64(f.Yes+f.No+f.Partly) * 100
			}
		}
		t.Fatalf("no feature %s", slug)
		return 0
	}
	for _, x := range []struct {
		name, body, slug string
		found, nodes     int
	}{
		{"flex on one of four", `<div style="display:flex"></div><p></p>`, "css-display-flex", 1, 4},
		{"grid twice", `<div style="display:grid"></div><p STYLE="DISPLAY:GRID"></p>`, "css-display-grid", 2, 4},
		{"svg", `<svg></svg>`, "html-svg", 1, 3},
		{"form in a comment", `<!--[if mso]><form></form><![endif]--><p></p>`, "html-form", 0, 3},
		{"webp", `<img src="https://x.example/a.WEBP">`, "image-webp", 1, 3},
		{"unit", `<p style="margin:1vmax 2vmax"></p>`, "css-unit-vmax", 2, 3},
		{"font face", `<style>@font-face { }</style>`, "css-at-font-face", 1, 3},
		{"attribute", `<table bgcolor="#ffffff"></table>`, "css-background-color", 1, 3},
		{"line-height is no height", `<p style="line-height:1px"></p>`, "css-height", 0, 3},
		{"attribute and style", `<table height="1" style="height:1px"></table>`, "css-height", 1, 3},
	} {
		s := c.Check(document(x.body))
		got := 0
		for _, f := range s.Features {
			if f.Slug == x.slug {
				got = f.Found
			}
		}
		want := share(x.slug) * float64(x.found) / float64(x.nodes)
		if got != x.found || s.Unsupported < want-1e-9 {
			t.Errorf("%s: found %d, unsupported %.2f; want %d and %.2f at least", x.name, got, s.Unsupported, x.found, want)
		}
		if math.Abs(s.Supported+s.Partly+s.Unsupported-100) > 1e-9 {
			t.Errorf("%s: %v does not add up", x.name, s)
		}
	}
}

func TestScriptsAreTheWorst(t *testing.T) {
	t.Parallel()
	c := checker(t)
	s := c.Check(document(`<script>x</script><script type="application/ld+json">{}</script><p></p>`))
	if s.Features[0].Slug != "html-script" || math.Abs(s.Unsupported-20) > 1e-9 || s.Passes() {
		t.Errorf("%+v", s)
	}
	plain := c.Check(document(strings.Repeat("<p>x</p>", 50)))
	if !plain.Passes() || plain.Supported < 98 {
		t.Errorf("plain paragraphs: %+v", plain)
	}
}

func FuzzCheck(f *testing.F) {
	c := checker(f)
	f.Add(document(`<p style="color:red">x</p>`))
	f.Add("<style><p style=")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if s := c.Check(text); math.IsNaN(s.Supported) || s.Unsupported < 0 || s.Partly < 0 {
			t.Errorf("%+v", s)
		}
	})
}
