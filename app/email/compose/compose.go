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
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
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

// Brand dresses a mail. A template may name it with {{.Brand}} and {{.SiteURL}}.
type Brand struct {
	Name   string
	URL    string
	Accent string // #rrggbb; a deep blue if it is anything else
}

// Mail is a rendered template.
type Mail struct{ Subject, HTML, Text string }

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
	all := make(map[string]string, len(vars)+2)
	for name, value := range vars {
		all[name] = oneLine(value)
	}
	brand.Name, brand.URL = oneLine(brand.Name), oneLine(brand.URL)
	all["Brand"], all["SiteURL"] = brand.Name, brand.URL
	for _, b := range t.blocks {
		if b.kind != button {
			continue
		}
		if address := b.url.fill(all, same, same); !safeURL(address) {
			scheme, _, _ := strings.Cut(address, ":") // the rest may be a secret
			return Mail{}, fmt.Errorf("mail %s: a button cannot lead to a %.20q address", t.Name, scheme)
		}
	}
	return Mail{
		Subject: oneLine(t.subject.fill(all, same, same)),
		HTML:    t.html(brand, all),
		Text:    t.text(brand, all),
	}, nil
}

func same(s string) string { return s }

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
