package compose

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

type blockKind int

const (
	paragraph blockKind = iota
	heading
	button
	code
	item
	note
)

type block struct {
	kind blockKind
	text leaf // its words, or the button's label
	url  leaf // of a button
}

// leaf is text with variables in it, taken apart: literal, name, literal, …
type leaf []string

var variable = regexp.MustCompile(`\{\{\.([A-Z][A-Za-z]*)\}\}`)

func newLeaf(s string) leaf {
	var l leaf
	last := 0
	for _, m := range variable.FindAllStringSubmatchIndex(s, -1) {
		l = append(l, s[last:m[0]], s[m[2]:m[3]])
		last = m[1]
	}
	return append(l, s[last:])
}

// fill puts the variables in, each passed through escape.
func (l leaf) fill(vars map[string]string, literal, escape func(string) string) string {
	var b strings.Builder
	for i, part := range l {
		if i%2 == 0 {
			b.WriteString(literal(part))
		} else {
			b.WriteString(escape(vars[part]))
		}
	}
	return b.String()
}

func (l leaf) names(into map[string]bool) {
	for i := 1; i < len(l); i += 2 {
		into[l[i]] = true
	}
}

// marks counts the ** that the template itself writes.
func (l leaf) marks() (n int) {
	for i := 0; i < len(l); i += 2 {
		n += strings.Count(l[i], "**")
	}
	return n
}

// Parse reads a template. What would come out wrong in a mail is an error here:
// a variable that is not one, a half button, a ** without its partner.
func Parse(name, text string) (*Template, error) {
	t := &Template{Name: name}
	if err := t.parse(strings.ReplaceAll(text, "\r\n", "\n")); err != nil {
		return nil, fmt.Errorf("mail %s: %w", name, err)
	}
	return t, nil
}

func (t *Template) parse(text string) error {
	head, body, ok := strings.Cut(text, "\n---\n")
	if !ok {
		return errors.New("no --- between head and body")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && unsafe(r) }) {
		return errors.New("it has control characters")
	}
	if rest := variable.ReplaceAllString(text, " "); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		return errors.New("{{ }} takes a variable's name only, as in {{.Name}}")
	}
	if err := t.parseHead(head); err != nil {
		return err
	}
	for line := range strings.SplitSeq(body, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		b, err := parseBlock(line)
		if err != nil {
			return err
		}
		t.blocks = append(t.blocks, b)
	}
	if len(t.blocks) == 0 {
		return errors.New("the body is empty")
	}
	t.Vars = t.used()
	return nil
}

// used are the variables a sender has to give, sorted.
func (t *Template) used() []string {
	names := map[string]bool{}
	t.subject.names(names)
	t.preheader.names(names)
	for _, b := range t.blocks {
		b.text.names(names)
		b.url.names(names)
	}
	delete(names, "Brand")
	delete(names, "SiteURL")
	return slices.Sorted(maps.Keys(names))
}

// classes decide what a suppression or an unsubscription stops (spec/email.md section 1).
var classes = []string{"security", "account", "billing", "product", "marketing"}

func (t *Template) parseHead(head string) error {
	fields := map[string]string{}
	for line := range strings.SplitSeq(head, "\n") {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch {
		case !ok:
			return fmt.Errorf("head line %q is not name: value", line)
		case !slices.Contains([]string{"subject", "preheader", "class", "ttl"}, key):
			return fmt.Errorf("unknown head field %q", key)
		case value == "" || fields[key] != "":
			return fmt.Errorf("head field %q is empty or given twice", key)
		case strings.Contains(value, "**"):
			return fmt.Errorf("head field %q cannot be bold", key)
		}
		fields[key] = value
	}
	if fields["subject"] == "" || fields["preheader"] == "" || fields["class"] == "" {
		return errors.New("the head needs subject, preheader and class")
	}
	t.subject, t.preheader, t.Class = newLeaf(fields["subject"]), newLeaf(fields["preheader"]), fields["class"]
	if !slices.Contains(classes, t.Class) {
		return fmt.Errorf("class %q is none of %s", t.Class, strings.Join(classes, ", "))
	}
	if fields["ttl"] == "" {
		return nil
	}
	ttl, err := time.ParseDuration(fields["ttl"])
	if err != nil || ttl <= 0 {
		return fmt.Errorf("ttl %q is not a time such as 30m", fields["ttl"])
	}
	t.TTL = ttl
	return nil
}

var buttonLine = regexp.MustCompile(`^\[\[(.+)\]\]\((.+)\)$`)

func parseBlock(line string) (block, error) {
	b := block{text: newLeaf(line)}
	for prefix, kind := range map[string]blockKind{"# ": heading, "- ": item, "> ": note, "code: ": code} {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			b = block{kind: kind, text: newLeaf(strings.TrimSpace(rest))}
		}
	}
	if strings.HasPrefix(line, "[[") {
		m := buttonLine.FindStringSubmatch(line)
		if m == nil {
			return b, fmt.Errorf("%q is not a button: [[label]](address), alone on its line", line)
		}
		b = block{kind: button, text: newLeaf(m[1]), url: newLeaf(m[2])}
	}
	switch marks := b.text.marks() + b.url.marks(); {
	case marks%2 != 0:
		return b, fmt.Errorf("%q has a ** without its partner", line)
	case marks > 0 && (b.kind == button || b.kind == code):
		return b, fmt.Errorf("%q cannot be bold", line)
	}
	return b, nil
}
