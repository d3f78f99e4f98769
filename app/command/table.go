package command

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// table prints rows in aligned columns; the first row is their names.
func table(rows [][]string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = line(cell)
		}
		fmt.Fprintln(w, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	return w.Flush()
}

// inJSON prints something for programs.
func inJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// plain is text from outside without what a terminal would obey.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
}

// longest is how much of a text a column shows, in characters.
const longest = 80

// line is the first line of a text, as far as a column shows it.
func line(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(plain(text)), "\n")
	first = strings.ReplaceAll(first, "\t", " ")
	if all := []rune(first); len(all) > longest {
		return string(all[:longest-1]) + "…"
	}
	return first
}

// indented is a text of several lines below what it belongs to.
func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(plain(text)), "\n", "\n    ")
}

// instant is a time to the second, or "-" for none.
func instant(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// pointed is instant for a time that may be nil.
func pointed(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return instant(*t)
}
