package compose

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Row is one row of a list: a value for each of its fields.
type Row = map[string]string

// Value is what stands for a variable: a text, or the rows of a list.
type Value struct {
	Text string
	Rows []Row
	List bool // it is a list, with rows or without any
}

// Vars are the values of a mail by the names of its variables. As JSON they are
// an object of strings and of lists of objects of strings.
type Vars map[string]Value

// Texts are vars that have no list.
func Texts(texts map[string]string) Vars {
	vars := make(Vars, len(texts))
	for name, text := range texts {
		vars[name] = Value{Text: text}
	}
	return vars
}

// MarshalJSON writes a text as a string, a list as an array of objects.
func (v Value) MarshalJSON() ([]byte, error) {
	switch {
	case !v.List:
		return json.Marshal(v.Text)
	case v.Rows == nil:
		return []byte("[]"), nil
	}
	return json.Marshal(v.Rows)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(raw []byte) error {
	*v = Value{}
	if text := strings.TrimSpace(string(raw)); strings.HasPrefix(text, "[") {
		v.List = true
		if err := json.Unmarshal(raw, &v.Rows); err != nil {
			return errors.New("a list is an array of objects of strings")
		}
		return nil
	}
	if string(raw) == "null" || json.Unmarshal(raw, &v.Text) != nil {
		return errors.New("a value is a string or a list")
	}
	return nil
}

// maxRows is how many rows of a list a mail takes: more would not be read, and
// Gmail would cut them off.
const maxRows = 500

// MissingError names the variables a template needs and was not given; a field of
// a list's rows as List.Field.
type MissingError struct {
	Template string
	Names    []string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("mail %s: no value for %s", e.Template, strings.Join(e.Names, ", "))
}

// WrongError names a variable whose value is not of its kind.
type WrongError struct{ Template, Name, Want string }

func (e *WrongError) Error() string {
	return fmt.Sprintf("mail %s: %s must be %s", e.Template, e.Name, e.Want)
}

// Check demands a text for every variable the template uses.
func (t *Template) Check(vars map[string]string) error { return t.CheckVars(Texts(vars)) }

// CheckVars demands a value of its kind for every variable the template uses, but
// for those that may be left out.
func (t *Template) CheckVars(vars Vars) error {
	var missing []string
	for _, name := range t.Vars {
		v, given := vars[name]
		_, optional := t.Optional[name]
		fields, list := t.Lists[name]
		switch {
		case !given && !optional:
			missing = append(missing, name)
		case !given:
		case list != v.List && list:
			return &WrongError{t.Name, name, "a list"}
		case list != v.List:
			return &WrongError{t.Name, name, "text"}
		case len(v.Rows) > maxRows:
			return &WrongError{t.Name, name, fmt.Sprintf("at most %d rows", maxRows)}
		case list:
			missing = append(missing, lacking(name, fields, v.Rows)...)
		case slices.Contains(t.URLs, name) && !safeURL(oneLine(v.Text)) && !(optional && v.Text == ""):
			return &WrongError{t.Name, name, "an address that begins with https://, http:// or mailto:"}
		}
	}
	if len(missing) > 0 {
		return &MissingError{t.Name, missing}
	}
	return nil
}

func lacking(list string, fields []string, rows []Row) (missing []string) {
	for _, field := range fields {
		for _, row := range rows {
			if _, ok := row[field]; !ok {
				missing = append(missing, list+"."+field)
				break
			}
		}
	}
	return missing
}

// scope is where a block looks its values up.
type scope struct {
	texts map[string]string
	lists map[string][]Row
	rows  map[string]Row // the rows that it is repeated for, by list
}

func (t *Template) scope(brand Brand, vars Vars) *scope {
	s := &scope{texts: make(map[string]string, len(vars)+2), lists: map[string][]Row{}}
	maps.Copy(s.texts, t.Optional)
	for name, v := range vars {
		if !v.List {
			if s.texts[name] == "" || v.Text != "" { // an empty value of one with a default is the default
				s.texts[name] = oneLine(v.Text)
			}
			continue
		}
		for _, row := range v.Rows {
			clean := make(Row, len(row))
			for field, text := range row {
				clean[field] = oneLine(text)
			}
			s.lists[name] = append(s.lists[name], clean)
		}
	}
	s.texts["Brand"], s.texts["SiteURL"] = brand.Name, brand.URL
	return s
}

func (s *scope) value(p part) string {
	if p.list != "" {
		return s.rows[p.list][p.text]
	}
	return s.texts[p.text]
}

// has reports whether a condition holds: the text is not empty, or the list has rows.
func (s *scope) has(p part) bool { return s.value(p) != "" || p.list == "" && len(s.lists[p.text]) > 0 }

// in is the scope of one row of a list.
func (s *scope) in(list string, row Row) *scope {
	inner := *s
	inner.rows = maps.Clone(s.rows)
	if inner.rows == nil {
		inner.rows = map[string]Row{}
	}
	inner.rows[list] = row
	return &inner
}
