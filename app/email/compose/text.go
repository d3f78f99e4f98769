package compose

import (
	"strings"
	"unicode/utf8"
)

// textWidth is where lines of the text part are broken, in characters.
const textWidth = 72

func (t *Template) text(brand Brand, vars map[string]string) string {
	plain := func(l leaf) string {
		return l.fill(vars, func(s string) string { return strings.ReplaceAll(s, "**", "") }, same)
	}
	var b strings.Builder
	for i, bl := range t.blocks {
		words := plain(bl.text)
		switch bl.kind {
		case heading:
			b.WriteString(words + "\n" + strings.Repeat("=", min(utf8.RuneCountInString(words), textWidth)) + "\n\n")
		case paragraph, note:
			b.WriteString(wrap(words, "") + "\n\n")
		case item:
			b.WriteString(wrap("* "+words, "  ") + "\n")
			if i+1 == len(t.blocks) || t.blocks[i+1].kind != item {
				b.WriteString("\n")
			}
		case code:
			b.WriteString("    " + words + "\n\n")
		case button:
			b.WriteString(words + ":\n" + plain(bl.url) + "\n\n")
		}
	}
	b.WriteString("-- \n" + brand.Name + "\n")
	if safeURL(brand.URL) {
		b.WriteString(brand.URL + "\n")
	}
	return b.String()
}

// wrap breaks s at spaces; following lines start with indent.
func wrap(s, indent string) string {
	var b strings.Builder
	n := 0
	for i, word := range strings.Fields(s) {
		size := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case n+1+size > textWidth:
			b.WriteString("\n" + indent)
			n = len(indent)
		default:
			b.WriteString(" ")
			n++
		}
		b.WriteString(word)
		n += size
	}
	return b.String()
}
