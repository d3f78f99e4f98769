package compose

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strings"
)

// leaf is text taken apart when the template is parsed, so that no value can
// become a part of its own.
type leaf []part

type partKind int

const (
	literal partKind = iota
	value
	bold // begins or ends bold words
	link
)

type part struct {
	kind        partKind
	text        string // of a literal; name of a value
	list        string // whose row a value is taken from; "" for a variable of its own
	label, href leaf   // of a link
}

// variable is {{.Name}}, or {{.List.Field}} within each List.
var variable = regexp.MustCompile(`\{\{\.([A-Z][A-Za-z0-9]*)(?:\.([A-Z][A-Za-z0-9]*))?\}\}`)

// inlineLink is [words](address) within a line.
var inlineLink = regexp.MustCompile(`\[([^\[\]]+)\]\(([^()\s]+)\)`)

// newLeaf takes apart text that has variables and nothing else.
func newLeaf(s string) leaf {
	var l leaf
	last := 0
	add := func(s string) {
		if s != "" {
			l = append(l, part{text: s})
		}
	}
	for _, m := range variable.FindAllStringSubmatchIndex(s, -1) {
		add(s[last:m[0]])
		p := part{kind: value, text: s[m[2]:m[3]]}
		if m[4] >= 0 {
			p.list, p.text = p.text, s[m[4]:m[5]]
		}
		l = append(l, p)
		last = m[1]
	}
	add(s[last:])
	return l
}

// newRich takes apart text that may also have **bold** words and links.
func newRich(s string) (leaf, error) {
	var l leaf
	last := 0
	for _, m := range inlineLink.FindAllStringSubmatchIndex(s, -1) {
		l = append(l, newBold(s[last:m[0]])...)
		p := part{kind: link, label: newLeaf(s[m[2]:m[3]]), href: newLeaf(s[m[4]:m[5]])}
		if strings.Contains(s[m[0]:m[1]], "**") {
			return nil, fmt.Errorf("the link in %q cannot be bold inside: put the ** around it", s)
		}
		l = append(l, p)
		last = m[1]
	}
	l = append(l, newBold(s[last:])...)
	marks := 0
	for _, p := range l {
		if p.kind == bold {
			marks++
		}
	}
	if marks%2 != 0 {
		return nil, fmt.Errorf("%q has a ** without its partner", s)
	}
	return l, nil
}

func newBold(s string) (l leaf) {
	for i, words := range strings.Split(s, "**") {
		if i > 0 {
			l = append(l, part{kind: bold})
		}
		l = append(l, newLeaf(words)...)
	}
	return l
}

// newPlain is a leaf that cannot be bold.
func newPlain(s string) (leaf, error) {
	if strings.Contains(s, "**") {
		return nil, fmt.Errorf("%q cannot be bold", s)
	}
	return newLeaf(s), nil
}

// each calls f for every value in it, those of links too.
func (l leaf) each(f func(part)) {
	for _, p := range l {
		switch p.kind {
		case value:
			f(p)
		case link:
			p.label.each(f)
			p.href.each(f)
		}
	}
}

// plain fills it in as text.
func (l leaf) plain(s *scope) string {
	if len(l) == 1 && l[0].kind == literal {
		return l[0].text
	}
	var b strings.Builder
	for _, p := range l {
		switch p.kind {
		case literal:
			b.WriteString(p.text)
		case value:
			b.WriteString(s.value(p))
		case link:
			label, href := p.label.plain(s), p.href.plain(s)
			if label != href && label != "" {
				b.WriteString(label + " (" + href + ")")
			} else {
				b.WriteString(href)
			}
		}
	}
	return b.String()
}

// rich fills it in as HTML, everything escaped.
func (l leaf) rich(s *scope) string {
	var b strings.Builder
	open := false
	for _, p := range l {
		switch p.kind {
		case literal:
			b.WriteString(html.EscapeString(p.text))
		case value:
			b.WriteString(html.EscapeString(s.value(p)))
		case bold:
			if open = !open; open {
				b.WriteString("<strong>")
			} else {
				b.WriteString("</strong>")
			}
		case link:
			href, label := html.EscapeString(p.href.plain(s)), p.label.rich(s)
			b.WriteString(`<a href="` + href + `" class="ink" style="color:#1b2430;text-decoration:underline;">` + cmp.Or(label, href) + `</a>`)
		}
	}
	return b.String()
}

// addresses calls f with each address that links of it lead to.
func (l leaf) addresses(s *scope, f func(string)) {
	for _, p := range l {
		if p.kind == link {
			f(p.href.plain(s))
		}
	}
}

// cells takes a line apart at its bars: a | b | c.
func cells(line string, most int) ([]leaf, error) {
	fields := strings.Split(line, "|")
	if len(fields) > most {
		return nil, fmt.Errorf("%q has more than %d parts between bars", line, most)
	}
	var all []leaf
	for _, f := range fields {
		l, err := newRich(strings.TrimSpace(f))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, errors.New("nothing stands between the bars")
	}
	return all, nil
}
