package compose

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func parseHTML(t testing.TB, text string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// outline is every element and comment in order, with the names of its
// attributes and the values of all but those a variable may fill.
func outline(t testing.TB, text string) []string {
	var all []string
	for n := range parseHTML(t, text).Descendants() {
		switch n.Type {
		case html.ElementNode:
			line := n.Data
			for _, a := range n.Attr {
				line += " " + a.Key
				if a.Key != "href" && a.Key != "alt" && a.Key != "src" {
					line += "=" + a.Val
				}
			}
			all = append(all, line)
		case html.CommentNode:
			head, _, _ := strings.Cut(n.Data, ">")
			all = append(all, "comment "+head)
		}
	}
	return all
}

// visible is what a person reads in the body, without the preheader.
func visible(t testing.TB, text string) string {
	var words strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Data == "head" || strings.HasPrefix(attr(n, "style"), "display:none") {
			return
		}
		if n.Type == html.TextNode {
			words.WriteString(n.Data)
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
		if n.Data == "img" {
			words.WriteString("[" + attr(n, "alt") + "]")
		}
		if n.Data == "a" && attr(n, "class") == "ink" && n.FirstChild.Data != attr(n, "href") {
			words.WriteString(" (" + attr(n, "href") + ")")
		}
		if n.Data == "td" || n.Data == "th" || n.Data == "br" {
			words.WriteString(" ")
		}
	}
	walk(parseHTML(t, text))
	return strings.Join(strings.Fields(words.String()), " ")
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func elements(root *html.Node, name string) (all []*html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			all = append(all, n)
		}
	}
	return all
}

// textShape is the text part with each paragraph reduced to one letter: what
// kind of block it is.
func textShape(text string) string {
	var shape strings.Builder
	for para := range strings.SplitSeq(text, "\n\n") {
		switch {
		case strings.Contains(para, "\n==="):
			shape.WriteString("h")
		case strings.HasPrefix(para, "* "):
			shape.WriteString(strings.Repeat("i", strings.Count("\n"+para, "\n* ")))
		case strings.HasPrefix(para, "    "):
			shape.WriteString("c")
		case strings.HasPrefix(para, "-- \n"):
			shape.WriteString("s")
		case strings.Contains(para, ":\nhttps://x.example/?token=1"):
			shape.WriteString("b")
		default:
			shape.WriteString("p")
		}
	}
	return shape.String()
}

// every are values for everyBlock.
func every(value, url string) Vars {
	return Vars{"V": {Text: value}, "URL": {Text: url}, "Rows": List(Row{"V": value, "URL": url}, Row{"V": value, "URL": url})}
}

// List is the value of a list.
func List(rows ...Row) Value { return Value{Rows: rows, List: true} }
