// Package compat says how well mail programs show a mail, from what caniemail.com
// found out about them: of all features that a mail uses, the one whose lack is
// felt most decides. The measure is that of Mailpit's HTML check, so that its
// numbers can be compared (spec/email.md section 3).
package compat

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// The bar that every mail of the house passes, in percent.
const (
	MinSupported   = 94.0
	MaxUnsupported = 2.0
)

// Score is how much of a mail is shown as it should be, in percent.
type Score struct {
	Supported, Partly, Unsupported float64
	Features                       []Feature // that not all programs know, the worst first
}

// Passes reports whether it is above the bar.
func (s Score) Passes() bool { return s.Supported >= MinSupported && s.Unsupported <= MaxUnsupported }

// Feature is something that a mail uses.
type Feature struct {
	Slug, Title string
	Found       int     // how often
	Lacking     float64 // percent of the programs that do not know it
	Partly      float64 // percent of those that know it in part
}

// weight is how much of the mail it can spoil.
func (f Feature) weight() float64 { return (f.Lacking + f.Partly) * float64(f.Found) }

//go:embed caniemail.json
var data []byte

// feature is one of the data, with how it is found.
type feature struct {
	Slug   string `json:"slug"`
	Title  string `json:"title"`
	Yes    int    `json:"yes"`
	No     int    `json:"no"`
	Partly int    `json:"partly"`
	Style  string `json:"style"` // part of a style attribute
	Nodes  string `json:"nodes"` // names of elements, or [name] of an attribute
	Sheet  string `json:"sheet"` // pattern in a style sheet
	Unit   string `json:"unit"`  // pattern in style attributes
	Image  string `json:"image"` // end of an image's address, or its beginning

	nodes   []string
	pattern *regexp.Regexp
}

// Checker holds the data.
type Checker struct{ features []feature }

// New reads the data.
func New() (*Checker, error) {
	var all struct {
		Features []feature `json:"features"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("caniemail.json: %w", err)
	}
	for i := range all.Features {
		f := &all.Features[i]
		f.nodes = strings.Fields(f.Nodes)
		if text := f.Sheet + f.Unit; text != "" {
			var err error
			if f.pattern, err = regexp.Compile("(?i)" + text); err != nil {
				return nil, fmt.Errorf("caniemail.json: %s: %w", f.Slug, err)
			}
		}
		if f.Yes+f.No+f.Partly == 0 {
			return nil, fmt.Errorf("caniemail.json: %s was tried nowhere", f.Slug)
		}
	}
	return &Checker{all.Features}, nil
}

// mail is what the features are looked for in.
type mail struct {
	nodes    int // that count: all but html, head and meta
	elements map[string]int
	attrs    map[string]int // on elements without a style that already says the same
	styles   []string
	images   []string
	sheet    strings.Builder
	scripts  int
}

// Check scores a whole HTML document.
func (c *Checker) Check(document string) Score {
	m := read(document)
	total := float64(max(m.nodes, 1))
	s := Score{}
	add := func(f Feature) {
		if f.Found == 0 {
			return
		}
		s.Partly = max(s.Partly, f.Partly*float64(f.Found)/total)
		s.Unsupported = max(s.Unsupported, f.Lacking*float64(f.Found)/total)
		if f.weight() > 0 {
			s.Features = append(s.Features, f)
		}
	}
	for i := range c.features {
		f := &c.features[i]
		tried := float64(f.Yes + f.No + f.Partly)
		add(Feature{f.Slug, f.Title, f.find(m), float64(f.No) / tried * 100, float64(f.Partly) / tried * 100})
	}
	add(Feature{"html-script", "<script> element", m.scripts, 100, 0})
	s.Supported = 100 - s.Partly - s.Unsupported
	slices.SortStableFunc(s.Features, func(a, b Feature) int {
		switch x, y := a.weight(), b.weight(); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return s
}

// read takes a document apart. What stands in conditional comments is for Outlook
// alone and not looked at.
func read(document string) *mail {
	m := &mail{elements: map[string]int{}, attrs: map[string]int{}}
	inStyle := false
	for z := html.NewTokenizer(strings.NewReader(document)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return m
		case html.TextToken:
			if inStyle {
				m.sheet.Write(z.Text())
			}
		case html.EndTagToken:
			inStyle = false
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			inStyle = t.Data == "style"
			m.element(t)
		}
	}
}

func (m *mail) element(t html.Token) {
	m.elements[t.Data]++
	if t.Data != "html" && t.Data != "head" && t.Data != "meta" {
		m.nodes++
	}
	kind, style := "", ""
	for _, a := range t.Attr {
		switch a.Key {
		case "type":
			kind = a.Val
		case "style":
			style = strings.ToLower(a.Val)
		case "src":
			if t.Data == "img" {
				m.images = append(m.images, strings.ToLower(a.Val))
			}
		}
	}
	if t.Data == "script" && kind != "application/ld+json" && kind != "application/json" {
		m.scripts++
	}
	if style != "" {
		m.styles = append(m.styles, style)
	}
	for _, a := range t.Attr {
		// An element counts once for a property, however it is said.
		if !says(style, property(a.Key)+":") {
			m.attrs[a.Key]++
		}
	}
}

func property(attribute string) string {
	if attribute == "bgcolor" {
		return "background-color"
	}
	return attribute
}

// says reports whether a style attribute has it: a property by its whole name, so
// that a line-height is no height, anything else wherever it stands.
func says(style, what string) bool {
	for rest := style; ; {
		i := strings.Index(rest, what)
		if i < 0 {
			return false
		}
		if !strings.Contains(what, ":") || i == 0 || rest[i-1] == ';' || rest[i-1] == ' ' {
			return true
		}
		rest = rest[i+len(what):]
	}
}

// find counts how often a mail uses it.
func (f *feature) find(m *mail) (n int) {
	for _, name := range f.nodes {
		if inner, ok := strings.CutPrefix(name, "["); ok {
			n += m.attrs[strings.TrimSuffix(inner, "]")]
		} else {
			n += m.elements[name]
		}
	}
	for _, style := range m.styles {
		if f.Style != "" && says(style, f.Style) {
			n++
		}
		if f.Unit != "" {
			n += len(f.pattern.FindAllString(style, -1))
		}
	}
	if f.Sheet != "" {
		n += len(f.pattern.FindAllString(m.sheet.String(), -1))
	}
	for _, src := range m.images {
		if f.Image != "" && (strings.HasSuffix(src, f.Image) || strings.HasPrefix(src, "data:") && strings.HasPrefix(src, f.Image)) {
			n++
		}
	}
	return n
}
