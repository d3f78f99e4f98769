package manifest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Written is a section that is to be written.
type Written struct {
	Part    Part
	Entries []Entry
}

// Write writes a file that says what the sections are. Applied, it changes nothing.
func Write(sections []Written) ([]byte, error) {
	w := writer{}
	w.WriteString("# What lives in the database and can be edited in the console. Apply it with\n# 'seaworthy apply FILE', or put it into the data folder as seaworthy.yml.\nversion: 1\n")
	for _, s := range sections {
		if err := w.section(s); err != nil {
			return nil, fmt.Errorf("section %s: %w", s.Part.Name, err)
		}
	}
	return w.Bytes(), nil
}

type writer struct{ bytes.Buffer }

func (w *writer) section(s Written) error {
	w.WriteString("\n" + s.Part.Name + ":")
	switch {
	case s.Part.Shape == Single:
		return w.value(orEmpty(first(s.Entries)), 1)
	case s.Part.Shape == Listed:
		w.WriteString("\n  " + s.Part.List + ":")
	default:
		w.WriteString("\n  items:")
	}
	if len(s.Entries) == 0 {
		w.WriteString(map[bool]string{true: " []\n", false: " {}\n"}[s.Part.Shape == Listed])
		return nil
	}
	w.WriteString("\n")
	for _, e := range s.Entries {
		if s.Part.Shape == Listed {
			w.WriteString("    -")
			if err := w.value(e.JSON, 3); err != nil {
				return err
			}
			continue
		}
		w.WriteString("    " + text(e.Name) + ":")
		if err := w.value(e.JSON, 3); err != nil {
			return err
		}
	}
	return nil
}

func orEmpty(raw []byte) []byte {
	if len(raw) == 0 {
		return []byte("{}")
	}
	return raw
}

// value writes a value behind its key, or behind the dash of a list, with its line's end.
func (w *writer) value(raw jsontext.Value, depth int) error {
	switch raw.Kind() {
	case '{':
		values, order := members(raw)
		if len(order) == 0 {
			w.WriteString(" {}\n")
			return nil
		}
		for i, name := range order {
			if i == 0 {
				w.WriteString("\n")
			}
			w.WriteString(strings.Repeat("  ", depth) + text(name) + ":")
			if err := w.value([]byte(values[name]), depth+1); err != nil {
				return err
			}
		}
		return nil
	case '[':
		items, err := elements(raw)
		if err != nil {
			return err
		}
		if short(items) {
			w.WriteString(" [" + strings.Join(inline(items), ", ") + "]\n")
			return nil
		}
		w.WriteString("\n")
		for _, one := range items {
			w.WriteString(strings.Repeat("  ", depth) + "-")
			if err := w.value(one, depth+1); err != nil {
				return err
			}
		}
		return nil
	case '"':
		w.WriteString(" " + text(unquoted(raw)) + "\n")
		return nil
	}
	w.WriteString(" " + string(raw) + "\n")
	return nil
}

func elements(raw jsontext.Value) (all []jsontext.Value, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for d.PeekKind() != ']' {
		v, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		all = append(all, v.Clone())
	}
	return all, nil
}

// short says whether a list fits into a line: single values, and not many. People read names of
// permissions side by side, and rules one below the other.
func short(items []jsontext.Value) bool {
	size := 0
	return !slices.ContainsFunc(items, func(v jsontext.Value) bool {
		size += len(v)
		return v.Kind() == '{' || v.Kind() == '[' || size > 100
	})
}

func inline(items []jsontext.Value) (all []string) {
	for _, v := range items {
		one := string(v)
		if v.Kind() == '"' {
			if one = text(unquoted(v)); strings.ContainsAny(one, " ") {
				one = quoted(unquoted(v))
			}
		}
		all = append(all, one)
	}
	return all
}

func unquoted(raw jsontext.Value) string {
	out, _ := jsontext.AppendUnquote(nil, []byte(raw)) // it was written by us
	return string(out)
}

// bare is text that YAML reads as the text that it is.
var bare = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./@*-]*(:[A-Za-z0-9*_./@-]+)*( [A-Za-z0-9_./@-]+)*$`)

// reserved are what YAML, or an older one, reads as something else.
var reserved = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

func text(s string) string {
	if bare.MatchString(s) && !slices.Contains(reserved, strings.ToLower(s)) {
		return s
	}
	return quoted(s)
}

// quoted is text between double quotes, with all escaped that YAML does not print.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r >= 0xfffe && r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
