// Package plain makes the text part of a mail from its HTML, for those who read
// mail as text and for filters that distrust mail without (spec/email.md section 2).
// It keeps what a reader would see, in the order in which he would: headings, lists,
// the cells of tables, and where links lead.
package plain

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The bounds of what is read: deeper nesting and more text than this are left out.
const maxDepth, maxText = 200, 1 << 20

// Text is the HTML as text, in UTF-8 with lines that end in \n. HTML without any text
// gives "".
func Text(source string) string {
	root, err := html.ParseWithOptions(strings.NewReader(source), html.ParseOptionEnableScripting(false))
	if err != nil {
		return "" // too deep for the parser; there is no mail like that
	}
	w := writer{}
	w.children(root, state{})
	return w.finish()
}

// state is what the elements around a text make of it.
type state struct {
	depth int
	pre   bool   // blanks are kept
	item  string // mark of the next list item, "" outside of lists
	quote int    // depth of quotations
}

// skipped are elements that nobody reads, and those whose text would lie.
var skipped = map[atom.Atom]bool{
	atom.Head: true, atom.Title: true, atom.Style: true, atom.Script: true, atom.Template: true, atom.Noscript: true, atom.Iframe: true,
	atom.Object: true, atom.Svg: true, atom.Math: true, atom.Select: true, atom.Textarea: true, atom.Audio: true, atom.Video: true, atom.Map: true,
}

// blocks begin and end a line, and how many empty lines stand around them.
var blocks = map[atom.Atom]int{
	atom.P: 1, atom.H1: 1, atom.H2: 1, atom.H3: 1, atom.H4: 1, atom.H5: 1, atom.H6: 1, atom.Ul: 1, atom.Ol: 1, atom.Dl: 1, atom.Blockquote: 1, atom.Pre: 1,
	atom.Table: 1, atom.Hr: 1, atom.Figure: 1, atom.Div: 0, atom.Section: 0, atom.Article: 0, atom.Header: 0, atom.Footer: 0, atom.Main: 0, atom.Nav: 0,
	atom.Aside: 0, atom.Address: 0, atom.Center: 0, atom.Tr: 0, atom.Li: 0, atom.Dt: 0, atom.Dd: 0, atom.Caption: 0, atom.Figcaption: 0, atom.Form: 0, atom.Fieldset: 0,
}

func (w *writer) children(n *html.Node, s state) {
	if s.depth++; s.depth > maxDepth {
		return
	}
	number := 1
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		in := s
		if n.DataAtom == atom.Ol && c.DataAtom == atom.Li {
			in.item = strconv.Itoa(number) + ". "
			number++
		}
		w.node(c, in)
	}
}

func (w *writer) node(n *html.Node, s state) {
	switch n.Type {
	case html.TextNode:
		w.text(n.Data, s)
	case html.ElementNode:
		if !skipped[n.DataAtom] && !hidden(n) {
			w.element(n, s)
		}
	case html.DocumentNode:
		w.children(n, s)
	}
}

func (w *writer) element(n *html.Node, s state) {
	gap, block := blocks[n.DataAtom]
	if block {
		w.line(gap)
		defer w.line(gap)
	}
	switch n.DataAtom {
	case atom.Br:
		w.newline()
		return
	case atom.Hr:
		w.text("--------", s)
		return
	case atom.Img:
		w.text(attribute(n, "alt"), s)
		return
	case atom.Td, atom.Th:
		w.cell()
	case atom.Pre:
		s.pre = true
	case atom.Ul:
		s.item = "- "
	case atom.Blockquote:
		s.quote = min(s.quote+1, 5)
		defer w.quoted(s.quote)()
	case atom.Li:
		defer w.mark(s.item)()
	case atom.A:
		w.link(n, s)
		return
	}
	w.children(n, s)
}

// link writes the text of a link and where it leads, unless the text says so.
func (w *writer) link(n *html.Node, s state) {
	from := w.len()
	w.children(n, s)
	to := strings.TrimSpace(attribute(n, "href"))
	shown := strings.TrimSpace(w.since(from))
	switch scheme, rest, _ := strings.Cut(to, ":"); strings.ToLower(scheme) {
	case "http", "https":
	case "mailto", "tel":
		to, _, _ = strings.Cut(rest, "?")
	default:
		return // a place in the mail itself, or what no mail program follows
	}
	if bare := strings.TrimSuffix(to, "/"); to == "" || shown == to || shown == bare || shown == bare[strings.Index(bare, "//")+1:] {
		return
	}
	if shown == "" {
		w.text(to, s)
		return
	}
	w.text(" ("+to+")", s)
}

// hidden elements are there for mail programs: a preheader that is shown in lists, or
// a column that only phones have.
func hidden(n *html.Node) bool {
	for _, a := range n.Attr {
		switch a.Key {
		case "hidden":
			return true
		case "aria-hidden":
			return strings.EqualFold(strings.TrimSpace(a.Val), "true")
		case "style":
			style := strings.ToLower(strings.Join(strings.Fields(a.Val), ""))
			for _, rule := range []string{"display:none", "visibility:hidden", "mso-hide:all"} {
				if strings.Contains(style, rule) {
					return true
				}
			}
		}
	}
	return false
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
