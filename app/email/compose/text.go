package compose

import (
	"strings"
	"unicode/utf8"
)

// textWidth is where lines of the text part are broken, in characters.
const textWidth = 72

func text(brand Brand, nodes []node) string {
	var b strings.Builder
	textNodes(&b, nodes)
	b.WriteString("-- \n" + brand.Name + "\n")
	if safeURL(brand.URL) {
		b.WriteString(brand.URL + "\n")
	}
	for _, line := range []string{brand.Support, brand.Address} {
		if line != "" {
			b.WriteString(line + "\n")
		}
	}
	if brand.Unsubscribe != "" {
		b.WriteString(unsubscribeWords + ":\n" + brand.Unsubscribe + "\n")
	}
	return b.String()
}

func textNodes(b *strings.Builder, nodes []node) {
	for i := 0; i < len(nodes); i++ {
		n := nodes[i]
		words := n.text.plain(n.scope)
		last := i+1 == len(nodes) || nodes[i+1].kind != n.kind
		switch n.kind {
		case heading, subheading:
			line := "="
			if n.kind == subheading {
				line = "-"
			}
			b.WriteString(words + "\n" + strings.Repeat(line, max(3, min(utf8.RuneCountInString(words), textWidth))) + "\n\n")
		case paragraph, note:
			b.WriteString(wrap(words, "") + "\n\n")
		case callout:
			b.WriteString(wrap(tones[n.tone].name+": "+words, "") + "\n\n")
		case item:
			b.WriteString("* " + wrap(words, "  ") + "\n")
			if last {
				b.WriteString("\n")
			}
		case code:
			b.WriteString("    " + words + "\n\n")
		case button:
			b.WriteString(words + ":\n" + n.url.plain(n.scope) + "\n\n")
		case image:
			b.WriteString("[" + words + "]\n\n")
		case divider:
			b.WriteString(strings.Repeat("-", textWidth/2) + "\n\n")
		case fact:
			first := i
			for i+1 < len(nodes) && nodes[i+1].kind == fact {
				i++
			}
			grid(b, nodes[first:i+1], []bool{false, false})
			b.WriteString("\n")
		case table:
			grid(b, append([]node{n}, n.kids[0]...), n.right)
			b.WriteString("\n")
		case section, columns:
			for _, kids := range n.kids {
				textNodes(b, kids)
			}
		}
	}
}

// grid writes rows with their cells below each other, or, where that would be
// wider than a line, each cell after the other.
func grid(b *strings.Builder, rows []node, right []bool) {
	lines := make([][]string, len(rows))
	widths := make([]int, len(right))
	wide := 2 * (len(right) - 1)
	for i, r := range rows {
		for c, cell := range r.cells {
			s := strings.Join(strings.Fields(cell.plain(r.scope)), " ")
			lines[i] = append(lines[i], s)
			widths[c] = max(widths[c], utf8.RuneCountInString(s))
		}
	}
	for _, w := range widths {
		wide += w
	}
	for i, cells := range lines {
		var line string
		for c, s := range cells {
			gap := strings.Repeat(" ", widths[c]-utf8.RuneCountInString(s))
			if c > 0 {
				line += "  "
			}
			switch {
			case wide > textWidth:
				line += s
			case right[c]:
				line += gap + s
			default:
				line += s + gap
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		if rows[i].kind == table {
			b.WriteString(strings.Repeat("-", min(max(wide, 3), textWidth)) + "\n")
		}
	}
}

// wrap breaks s at spaces; following lines start with indent, and the first has
// as much before it already.
func wrap(s, indent string) string {
	var b strings.Builder
	n := len(indent)
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
