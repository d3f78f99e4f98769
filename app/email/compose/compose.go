// Package compose turns mail templates into HTML that looks right in mail
// programs and a text part that says the same, from one tree of blocks.
//
// A template is a small text file: a head of "name: value" lines, "---", and a
// body of blocks, one a line:
//
//	# A heading                 [[A button]](https://…)
//	## A smaller one            image: https://… | words that stand for it | 200
//	A paragraph with **bold** words and [a link](https://…)
//	- an item                   > a quiet note
//	code: 123 456               fact: Plan | Team
//	info: …  warn: …  danger: … a callout
//	---                         a line across
//
//	table: What | Amount >      section:      columns:
//	each Lines: row: {{.Lines.What}} | {{.Lines.Amount}}
//	total: Total | {{.Total}}   …             …
//	end                         end           next … end
//
// {{.Name}} stands for a variable, {{.List.Field}} for a field of the row that
// each List repeats its block, or its group until end, for. "if Name:" leaves a
// block or a group out when the value is empty. The blocks are parsed before
// variables are filled in, so a value can never add one, and every value is escaped.
package compose

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Template is a parsed mail template.
type Template struct {
	Name     string
	Class    string              // security, account, billing, product, marketing
	TTL      time.Duration       // pointless after; 0: never
	Lang     string              // BCP 47; en if the template does not say
	Vars     []string            // every variable it uses but Brand and SiteURL, sorted
	Lists    map[string][]string // those of Vars that are lists, with the fields it uses of their rows
	URLs     []string            // those of Vars that are a whole address
	Acts     []string            // those of Vars in the address of a button, or in a code
	Subject  string              // as the template says it, with its variables
	Optional map[string]string   // those of Vars that may be left out, and what stands for them then

	subject   leaf
	preheader leaf
	blocks    []block
}

// Brand dresses a mail. A template may name it with {{.Brand}} and {{.SiteURL}}.
type Brand struct {
	Name    string
	URL     string
	Accent  string // #rrggbb; a deep blue if it is anything else
	Logo    string // absolute URL of an image; "": the name stands in its place
	LogoW   int    // its width in the mail, pixels
	LogoH   int    // its height in the mail, pixels
	Address string // postal, its lines set off by line breaks; "" for none
	Support string // mail address that answers; "" for none
	// Unsubscribe is where whoever gets this mail can have no more of its kind:
	// an absolute URL; "" for mails that everybody gets.
	Unsubscribe string
}

// Mail is a rendered template.
type Mail struct{ Subject, HTML, Text string }

// Render is RenderVars for a template without lists.
func (t *Template) Render(brand Brand, vars map[string]string) (Mail, error) {
	return t.RenderVars(brand, Texts(vars))
}

// RenderVars fills in the variables. Values are escaped for HTML, stripped of line
// breaks, and a button, link or image whose address is not http(s) or mailto is refused.
func (t *Template) RenderVars(brand Brand, vars Vars) (Mail, error) {
	if err := t.CheckVars(vars); err != nil {
		return Mail{}, err
	}
	brand = brand.clean()
	s := t.scope(brand, vars)
	nodes, err := t.fill(t.blocks, s)
	if err != nil {
		return Mail{}, err
	}
	subject := oneLine(t.subject.plain(s))
	return Mail{Subject: subject, HTML: t.html(brand, s, nodes), Text: text(brand, nodes)}, nil
}

// clean drops of a brand what cannot be shown or led to.
func (b Brand) clean() Brand {
	b.Name, b.URL, b.Support = oneLine(b.Name), oneLine(b.URL), oneLine(b.Support)
	var lines []string
	for line := range strings.SplitSeq(strings.ReplaceAll(b.Address, "\r\n", "\n"), "\n") {
		if line = oneLine(line); line != "" {
			lines = append(lines, line)
		}
	}
	b.Address = strings.Join(lines, "\n")
	if !safeURL(b.Logo) || strings.HasPrefix(b.Logo, "mailto:") || b.LogoW < 1 || b.LogoH < 1 {
		b.Logo = ""
	}
	if !safeURL(b.Unsubscribe) {
		b.Unsubscribe = ""
	}
	if !safeURL("mailto:" + b.Support) {
		b.Support = ""
	}
	return b
}

// node is a block with the values that stand in it: the one tree that HTML and
// text are both made from.
type node struct {
	*block
	*scope
	kids [][]node
}

// fill repeats what is repeated and leaves out what is left out.
func (t *Template) fill(blocks []block, s *scope) (all []node, err error) {
	for i := range blocks {
		b := &blocks[i]
		switch {
		case b.kind == when && !s.has(b.of):
			continue
		case b.kind == when:
			kids, err := t.fill(b.kids[0], s)
			if err != nil {
				return nil, err
			}
			all = append(all, kids...)
			continue
		case b.kind == each:
			for _, row := range s.lists[b.of.text] {
				kids, err := t.fill(b.kids[0], s.in(b.of.text, row))
				if err != nil {
					return nil, err
				}
				all = append(all, kids...)
			}
			continue
		}
		n := node{block: b, scope: s}
		if err := t.led(n); err != nil {
			return nil, err
		}
		for _, group := range b.kids {
			kids, err := t.fill(group, s)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, kids)
		}
		all = append(all, n)
	}
	return all, nil
}

// led refuses a block that leads somewhere it must not.
func (t *Template) led(n node) (err error) {
	look := func(what string) func(string) {
		return func(address string) {
			if !safeURL(address) && err == nil {
				scheme, _, _ := strings.Cut(address, ":") // the rest may be a secret
				err = fmt.Errorf("mail %s: %s cannot lead to a %.20q address", t.Name, what, scheme)
			}
		}
	}
	switch n.kind {
	case button:
		look("a button")(n.url.plain(n.scope))
	case image:
		if address := n.url.plain(n.scope); strings.HasPrefix(address, "mailto:") {
			look("an image")("mailto:")
		} else {
			look("an image")(address)
		}
	}
	n.text.addresses(n.scope, look("a link"))
	for _, cell := range n.cells {
		cell.addresses(n.scope, look("a link"))
	}
	return err
}

// oneLine drops what could start a new header line or block, or turn the words
// around it.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unsafe(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

// unsafe are control characters, line separators, and the marks that change the
// direction of all that follows (Unicode Standard Annex 9, section 2).
func unsafe(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' ||
		'\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

func safeURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || strings.ContainsFunc(s, unicode.IsSpace) {
		return false
	}
	switch u.Scheme {
	case "http", "https":
		return u.Hostname() != "" && u.User == nil
	case "mailto":
		return u.Opaque != ""
	}
	return false
}
