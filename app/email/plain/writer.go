package plain

import (
	"strings"
	"unicode"
)

// writer lays text out in lines.
type writer struct {
	b      strings.Builder
	open   bool   // the line has text
	lines  int    // line breaks at the end of b
	space  bool   // a blank is due before the next text
	prefix string // of the next line's first text: the mark of a list item
	indent int    // blanks before each line of a list item
	quotes int
}

func (w *writer) len() int { return w.b.Len() }

// since is what was written from a place on.
func (w *writer) since(from int) string { return w.b.String()[from:] }

// text adds text; runs of blanks become one, as browsers show them.
func (w *writer) text(s string, in state) {
	if in.pre {
		for i, line := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
			if i > 0 {
				w.newline()
			}
			w.put(printable(line))
		}
		return
	}
	for i, word := range strings.FieldsFunc(s, blank) {
		if i > 0 || startsBlank(s) {
			w.space = true
		}
		w.put(printable(word))
	}
	if endsBlank(s) {
		w.space = true
	}
}

// put writes a piece of a line as it is.
func (w *writer) put(s string) {
	if s == "" || w.b.Len()+len(s) > maxText {
		return
	}
	switch {
	case !w.open:
		w.begin()
	case w.space:
		w.b.WriteByte(' ')
	}
	w.space, w.lines = false, 0
	w.b.WriteString(s)
}

func (w *writer) begin() {
	w.open = true
	w.b.WriteString(strings.Repeat("> ", w.quotes))
	w.b.WriteString(strings.Repeat(" ", max(w.indent-len(w.prefix), 0)))
	w.b.WriteString(w.prefix)
	w.prefix = ""
}

// newline ends the line, whether it has text or not; two empty ones are the most.
func (w *writer) newline() {
	w.space, w.open = false, false
	if w.b.Len() > 0 && w.lines < 2 {
		w.b.WriteByte('\n')
		w.lines++
	}
}

// line sees to it that the next text begins a line, with empty ones before it.
func (w *writer) line(empty int) {
	w.space, w.open = false, false
	for w.b.Len() > 0 && w.lines < empty+1 {
		w.b.WriteByte('\n')
		w.lines++
	}
}

// cell parts it from the cell before.
func (w *writer) cell() {
	if w.open {
		w.space = true
	}
}

// mark makes the next line that of a list item, and returns what ends the item.
func (w *writer) mark(mark string) (end func()) {
	if mark == "" {
		mark = "- "
	}
	before := w.indent
	w.prefix, w.indent = mark, before+len(mark)
	return func() { w.prefix, w.indent = "", before }
}

func (w *writer) quoted(depth int) func() {
	before := w.quotes
	w.quotes = depth
	return func() { w.quotes = before }
}

func (w *writer) finish() string {
	text := strings.TrimRight(strings.TrimLeft(w.b.String(), "\n"), " \n")
	if text == "" {
		return ""
	}
	return text + "\n"
}

// blank is what browsers fold; a blank that does not break is kept as one.
func blank(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' }

func startsBlank(s string) bool { return s != "" && blank(rune(s[0])) }
func endsBlank(s string) bool   { return s != "" && blank(rune(s[len(s)-1])) }

// printable leaves out what is invisible: mails pad their preheader with it.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == '\u00a0':
			return ' '
		case unicode.Is(unicode.Cc, r), r == '\u200b', r == '\u200c', r == '\ufeff', r == '\u034f', r == '\u00ad', r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
}
