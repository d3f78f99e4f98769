package compose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// language is a tag of BCP 47, as far as mails need it: language, script, region.
var language = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$`)

// rightToLeft are the languages whose scripts run from right to left.
var rightToLeft = []string{"ar", "fa", "he", "ur", "ps", "sd", "ug", "yi", "dv", "ckb"}

// direction is which way the words of the template run: ltr or rtl.
func (t *Template) direction() string {
	primary, _, _ := strings.Cut(t.Lang, "-")
	if slices.Contains(rightToLeft, primary) {
		return "rtl"
	}
	return "ltr"
}

// uses are the variables that a template uses, and what for.
type uses struct {
	texts map[string]bool
	lists map[string]map[string]bool // with the fields of their rows
	urls  map[string]bool            // that are a whole address
	acts  map[string]bool            // without which the mail cannot be acted on: in buttons and codes
	in    []string                   // the lists whose rows are being repeated
	err   error
}

func (u *uses) collect(t *Template) error {
	u.repeated(t.blocks)
	t.subject.each(u.add)
	t.preheader.each(u.add)
	u.blocks(t.blocks, paragraph)
	for list := range u.lists {
		if u.texts[list] {
			return fmt.Errorf("%s is used as a list and as text", list)
		}
	}
	for _, own := range []string{"Brand", "SiteURL"} {
		delete(u.texts, own)
		delete(u.urls, own)
		delete(u.acts, own)
	}
	return u.err
}

// repeated notes every list, wherever it is first spoken of.
func (u *uses) repeated(all []block) {
	for _, b := range all {
		if b.kind == each {
			u.lists[b.of.text] = map[string]bool{}
		}
		for _, kids := range b.kids {
			u.repeated(kids)
		}
	}
}

func (u *uses) fault(format string, args ...any) {
	if u.err == nil {
		u.err = fmt.Errorf(format, args...)
	}
}

// add notes one use of a value.
func (u *uses) add(p part) {
	switch {
	case p.list == "":
		u.texts[p.text] = true
	case !slices.Contains(u.in, p.list):
		u.fault("{{.%s.%s}} stands outside of each %s", p.list, p.text, p.list)
	default:
		u.lists[p.list][p.text] = true
	}
}

func (u *uses) address(l leaf) {
	l.each(u.add)
	if len(l) == 1 && l[0].kind == value && l[0].list == "" {
		u.urls[l[0].text] = true
	}
}

// blocks walks what is inside of a block of a kind.
func (u *uses) blocks(all []block, inside blockKind) {
	for _, b := range all {
		if inTable := b.kind == row || b.kind == total; inTable != (inside == table) && b.kind != each && b.kind != when {
			u.fault("rows and totals belong in a table, and nothing else does")
		}
		if b.kind == columns && inside == columns {
			u.fault("columns cannot stand in columns")
		}
		u.block(b, inside)
	}
}

func (u *uses) block(b block, inside blockKind) {
	for _, l := range append([]leaf{b.text}, b.cells...) {
		l.each(u.add)
		for _, p := range l {
			if p.kind == link {
				u.address(p.href)
			}
		}
	}
	u.address(b.url)
	if b.kind == code {
		b.text.each(func(p part) { u.acts[p.text] = true })
	}
	if b.kind == button {
		b.url.each(func(p part) { u.acts[p.text] = true })
	}
	in := b.kind
	switch b.kind {
	case each:
		if slices.Contains(u.in, b.of.text) {
			u.fault("each %s stands in itself", b.of.text)
		}
		u.in = append(u.in, b.of.text)
		defer func() { u.in = u.in[:len(u.in)-1] }()
		in = inside
	case when:
		in = inside
		if _, list := u.lists[b.of.text]; b.of.list != "" || !list {
			u.add(b.of)
		}
	case section:
		if inside == columns {
			in = columns
		}
	case table:
		for _, kids := range b.kids {
			u.width(kids, len(b.cells))
		}
	}
	for _, kids := range b.kids {
		u.blocks(kids, in)
	}
}

// width holds the rows of a table to the columns of its head.
func (u *uses) width(rows []block, n int) {
	for _, b := range rows {
		if (b.kind == row || b.kind == total) && len(b.cells) != n {
			u.fault("a row has %d parts, its table %d columns", len(b.cells), n)
		}
		for _, kids := range b.kids {
			u.width(kids, n)
		}
	}
}
