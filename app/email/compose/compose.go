// Package compose turns mail templates into HTML that looks right in mail
// programs and a text part that says the same, from one tree of blocks.
//
// A template is a small text file: a head of "name: value" lines, "---", and a
// body of blocks, one a line, set off by blank lines:
//
//	# A heading                 [[A button]](https://…)
//	A paragraph with **bold**   code: 123 456
//	- an item                   > a quiet note
//
// {{.Name}} stands for a variable. The blocks are parsed before variables are
// filled in, so a value can never add one, and every value is escaped.
package compose

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Template is a parsed mail template.
type Template struct {
	Name      string
	Class     string        // security, account, billing, product, marketing
	TTL       time.Duration // pointless after; 0: never
	Vars      []string      // every variable it uses but Brand and SiteURL, sorted
	subject   leaf
	preheader leaf
	blocks    []block
}

// Brand dresses a mail.
type Brand struct {
	Name   string
	URL    string
	Accent string // CSS colour; a deep blue if empty
}

// Mail is a rendered template.
type Mail struct{ Subject, HTML, Text string }

type blockKind int

const (
	heading blockKind = iota
	paragraph
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

var buttonLine = regexp.MustCompile(`^\[\[(.+)\]\]\((.+)\)$`)

// Parse reads a template.
func Parse(name, text string) (*Template, error) {
	head, body, ok := strings.Cut(text, "\n---\n")
	if !ok {
		return nil, fmt.Errorf("mail %s: no --- between head and body", name)
	}
	t := &Template{Name: name}
	if err := t.parseHead(head); err != nil {
		return nil, fmt.Errorf("mail %s: %w", name, err)
	}
	lines := bufio.NewScanner(strings.NewReader(body))
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" {
			t.blocks = append(t.blocks, parseBlock(line))
		}
	}
	if strings.Contains(variable.ReplaceAllString(text, ""), "{{") {
		return nil, fmt.Errorf("mail %s: {{ }} takes a variable's name only, as in {{.Name}}", name)
	}
	used := map[string]bool{}
	t.subject.names(used)
	t.preheader.names(used)
	for _, b := range t.blocks {
		b.text.names(used)
		b.url.names(used)
	}
	delete(used, "Brand")
	delete(used, "SiteURL")
	t.Vars = slices.Sorted(maps.Keys(used))
	return t, nil
}

func (t *Template) parseHead(head string) (err error) {
	for line := range strings.Lines(head) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch {
		case !ok:
			return fmt.Errorf("head line %q is not name: value", line)
		case key == "subject":
			t.subject = newLeaf(value)
		case key == "preheader":
			t.preheader = newLeaf(value)
		case key == "class":
			t.Class = value
		case key == "ttl":
			if t.TTL, err = time.ParseDuration(value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("unknown head field %q", key)
		}
	}
	if len(t.subject) == 0 || t.Class == "" || len(t.preheader) == 0 {
		return errors.New("the head needs subject, preheader and class")
	}
	return nil
}

func parseBlock(line string) block {
	if m := buttonLine.FindStringSubmatch(line); m != nil {
		return block{kind: button, text: newLeaf(m[1]), url: newLeaf(m[2])}
	}
	for prefix, kind := range map[string]blockKind{"# ": heading, "- ": item, "> ": note, "code: ": code} {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return block{kind: kind, text: newLeaf(rest)}
		}
	}
	return block{kind: paragraph, text: newLeaf(line)}
}

// MissingError names the variables a template needs and was not given.
type MissingError struct {
	Template string
	Names    []string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("mail %s: no value for %s", e.Template, strings.Join(e.Names, ", "))
}

// Check demands a value for every variable the template uses.
func (t *Template) Check(vars map[string]string) error {
	var missing []string
	for _, name := range t.Vars {
		if _, ok := vars[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return &MissingError{t.Name, missing}
	}
	return nil
}

// Render fills in the variables. Values are escaped for HTML, stripped of line
// breaks, and a button whose address is not http(s) or mailto is refused.
func (t *Template) Render(brand Brand, vars map[string]string) (Mail, error) {
	if err := t.Check(vars); err != nil {
		return Mail{}, err
	}
	all := map[string]string{"Brand": brand.Name, "SiteURL": brand.URL}
	for k, v := range vars {
		all[k] = oneLine(v)
	}
	for _, b := range t.blocks {
		if b.kind == button {
			if url := b.url.fill(all, same, same); !safeURL(url) {
				return Mail{}, fmt.Errorf("mail %s: a button leads to %.40q", t.Name, url)
			}
		}
	}
	return Mail{
		Subject: oneLine(t.subject.fill(all, same, same)),
		HTML:    t.html(brand, all),
		Text:    t.text(brand, all),
	}, nil
}

func same(s string) string { return s }

// oneLine drops control characters, so that no value can start a new header or block.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		if r < 0x20 || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

func safeURL(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "mailto:")
}
