package compose

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// The HTML is what mail programs agree on: tables for layout, styles on each
// element, a fixed-width table for Outlook's Word engine in conditional comments
// (its max-width is not understood there), a VML button for the same reason, a
// hidden preheader, and a style block for programs that know dark mode; Outlook
// on the web marks that with data-ogsc and data-ogsb (spec/email.md sections 0 and 3).

// filler follows the preheader, so that a list of mails does not show the first
// words of the body after it.
var filler = strings.Repeat(" &#847;&zwnj;&nbsp;", 60)

// page writes the HTML of one mail.
type page struct {
	strings.Builder
	ground, ink string // of buttons
	start, end  string // the sides that lines begin and end at
}

func (t *Template) html(brand Brand, s *scope, nodes []node) string {
	p := &page{start: "left", end: "right"}
	p.Grow(16 << 10)
	p.ground, p.ink = buttonColors(brand.Accent)
	direction := t.direction()
	if direction == "rtl" {
		p.start, p.end = p.end, p.start
	}
	head := html.EscapeString(brand.Name)
	if brand.Logo != "" {
		head = fmt.Sprintf(`<img src="%s" alt="%s" width="%d" height="%d" class="logo" style="width:%[3]dpx;height:%[4]dpx;border:0;">`,
			html.EscapeString(brand.Logo), html.EscapeString(brand.Name), brand.LogoW, brand.LogoH)
	}
	fmt.Fprintf(p, htmlHead, html.EscapeString(oneLine(t.subject.plain(s))), t.preheader.rich(s), filler, fonts, head, t.Lang, direction, p.start)
	p.nodes(nodes, maxImage)
	fmt.Fprintf(p, htmlFoot, fonts, footer(brand), p.start)
	return p.String()
}

// footer says who sent it, from where, and how to get no more of it.
func footer(brand Brand) string {
	line := html.EscapeString(brand.Name)
	if safeURL(brand.URL) {
		url := html.EscapeString(brand.URL)
		line += ` &middot; ` + fmt.Sprintf(softLink, url, url)
	}
	if brand.Support != "" {
		support := html.EscapeString(brand.Support)
		line += ` &middot; ` + fmt.Sprintf(softLink, "mailto:"+support, support)
	}
	if brand.Address != "" {
		line += "<br>" + strings.ReplaceAll(html.EscapeString(brand.Address), "\n", "<br>")
	}
	if brand.Unsubscribe != "" {
		line += "<br>" + fmt.Sprintf(softLink, html.EscapeString(brand.Unsubscribe), unsubscribeWords)
	}
	return line
}

// unsubscribeWords are the link's in both parts.
const unsubscribeWords = "Unsubscribe or choose what you get"

// nodes writes rows of a table that is width pixels wide.
func (p *page) nodes(all []node, width int) {
	for i, n := range all {
		next := blockKind(-1)
		if i+1 < len(all) {
			next = all[i+1].kind
		}
		switch n.kind {
		case fact: // those that follow each other share a table
			if i == 0 || all[i-1].kind != fact {
				p.WriteString(factsHead)
			}
			fmt.Fprintf(p, rowFact, fonts, n.cells[0].rich(n.scope), n.cells[1].rich(n.scope), p.end)
			if next != fact {
				p.WriteString(factsFoot)
			}
		case item:
			below := 16
			if next == item {
				below = 8
			}
			fmt.Fprintf(p, rowItem, below, fonts, n.text.rich(n.scope))
		case section:
			p.WriteString(sectionHead)
			p.nodes(n.kids[0], width-40)
			p.WriteString(sectionFoot)
		case columns:
			p.columns(n, width)
		case table:
			p.table(n)
		default:
			p.leaf(n, width)
		}
	}
}

func (p *page) leaf(n node, width int) {
	words := n.text.rich(n.scope)
	switch n.kind {
	case heading:
		fmt.Fprintf(p, rowHeading, fonts, words)
	case subheading:
		fmt.Fprintf(p, rowSubheading, fonts, words)
	case paragraph:
		fmt.Fprintf(p, rowText, fonts, words)
	case note:
		fmt.Fprintf(p, rowNote, fonts, words)
	case code:
		fmt.Fprintf(p, rowCode, monospace, words)
	case callout:
		tone := tones[n.tone]
		fmt.Fprintf(p, rowCallout, n.tone, tone.ground, tone.line, p.start, fonts, tone.name, words)
	case divider:
		p.WriteString(rowDivider)
	case image:
		fmt.Fprintf(p, rowImage, n.url.rich(n.scope), words, min(n.width, width))
	case button:
		// VML does not fit itself to its words.
		wide := min(64+9*utf8.RuneCountInString(n.text.plain(n.scope)), width-16)
		fmt.Fprintf(p, rowButton, n.url.rich(n.scope), words, p.ground, fonts, p.ink, wide)
	}
}

func (p *page) columns(n node, width int) {
	p.WriteString(columnsHead)
	each := width / len(n.kids)
	for i, kids := range n.kids {
		gap := 16
		if i+1 == len(n.kids) {
			gap = 0
		}
		fmt.Fprintf(p, columnHead, each, p.end, gap)
		p.nodes(kids, each-gap)
		p.WriteString(columnFoot)
	}
	p.WriteString(columnsFoot)
}

// maxAmount is how long a cell at the far end may be to stay on one line, in characters.
const maxAmount = 16

// table writes one of data, with heads that programs can read out.
func (p *page) table(n node) {
	p.WriteString(tableHeadHTML)
	p.row(cellHead, n, n.right)
	for _, row := range n.kids[0] {
		format := cellRow
		if row.kind == total {
			format = cellTotal
		}
		p.row(format, row, n.right)
	}
	p.WriteString(tableFoot)
}

func (p *page) row(format string, n node, right []bool) {
	p.WriteString("<tr>")
	for i, cell := range n.cells {
		side, gap := p.start, 0
		if right[i] {
			side = p.end
		}
		if i > 0 {
			gap = 16
		}
		words := cell.rich(n.scope)
		if right[i] && utf8.RuneCountInString(words) <= maxAmount && !strings.Contains(words, "<") {
			words = strings.ReplaceAll(words, " ", "\u00a0") // an amount stays with its currency
		}
		fmt.Fprintf(p, format, side, p.start, fonts, words, gap)
	}
	p.WriteString("</tr>\n")
}
