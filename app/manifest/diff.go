package manifest

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// What can come of one thing.
const (
	Created = "created"
	Changed = "changed"
	Removed = "removed"
	Noted   = "noted" // something is done that the state does not show; Fields say what
)

// Change is what came of one thing.
type Change struct {
	Section string   `json:"section"`
	Name    string   `json:"name"`
	Act     string   `json:"act"`
	Fields  []string `json:"fields,omitempty"` // that changed
}

// String is the change in words: "rule 3: changed permission".
func (c Change) String() string {
	words := c.Act
	if c.Act == Noted {
		words = ""
	}
	return c.Name + ": " + strings.TrimSpace(words+" "+strings.Join(c.Fields, ", "))
}

// Diff says how a section differs before and after.
func Diff(part Part, before, after []Entry) []Change {
	switch part.Shape {
	case Listed:
		return diffList(part, before, after)
	case Single:
		if fields := differ(first(before), first(after)); len(fields) > 0 {
			return []Change{{part.Name, part.Noun, Changed, fields}}
		}
		return nil
	}
	var all []Change
	was := map[string]Entry{}
	for _, e := range before {
		was[e.Name] = e
	}
	for _, e := range after {
		old, there := was[e.Name]
		delete(was, e.Name)
		if !there {
			all = append(all, Change{part.Name, part.Noun + " " + e.Name, Created, nil})
		} else if fields := differ(old.JSON, e.JSON); len(fields) > 0 {
			all = append(all, Change{part.Name, part.Noun + " " + e.Name, Changed, fields})
		}
	}
	for _, e := range before {
		if _, gone := was[e.Name]; gone {
			all = append(all, Change{part.Name, part.Noun + " " + e.Name, Removed, nil})
		}
	}
	return all
}

func first(entries []Entry) []byte {
	if len(entries) == 0 {
		return nil
	}
	return entries[0].JSON
}

// diffList finds the longest common run of what stays, and pairs what lies between: the
// third of a gap with the third.
func diffList(part Part, before, after []Entry) (all []Change) {
	name := func(n int) string { return part.Noun + " " + strconv.Itoa(n+1) }
	i, j := 0, 0
	gap := func(toI, toJ int) {
		for ; i < toI && j < toJ; i, j = i+1, j+1 {
			all = append(all, Change{part.Name, name(j), Changed, differ(before[i].JSON, after[j].JSON)})
		}
		for ; j < toJ; j++ {
			all = append(all, Change{part.Name, name(j), Created, nil})
		}
		for ; i < toI; i++ {
			all = append(all, Change{part.Name, name(i), Removed, nil})
		}
	}
	for _, same := range common(before, after) {
		gap(same[0], same[1])
		i, j = same[0]+1, same[1]+1
	}
	gap(len(before), len(after))
	return all
}

// common are the places of a longest common subsequence. What it costs grows with the square of
// the lists, whose systems bound them: access rules are 500 at most.
func common(a, b []Entry) (places [][2]int) {
	long := make([][]int, len(a)+1)
	for i := range long {
		long[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if string(a[i].JSON) == string(b[j].JSON) {
				long[i][j] = long[i+1][j+1] + 1
			} else {
				long[i][j] = max(long[i+1][j], long[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case string(a[i].JSON) == string(b[j].JSON):
			places = append(places, [2]int{i, j})
			i, j = i+1, j+1
		case long[i+1][j] >= long[i][j+1]:
			i++
		default:
			j++
		}
	}
	return places
}

// differ are the names of the members that are not the same.
func differ(a, b []byte) (fields []string) {
	if string(a) == string(b) {
		return nil
	}
	was, order := members(a)
	is, more := members(b)
	for _, name := range append(order, more...) {
		if was[name] != is[name] {
			fields = append(fields, name)
			was[name] = is[name] // once
		}
	}
	if len(fields) == 0 {
		fields = []string{"the order"}
	}
	return fields
}

// members are those of an object, and their names in order.
func members(raw []byte) (values map[string]string, order []string) {
	values = map[string]string{}
	d := jsontext.NewDecoder(strings.NewReader(string(raw)))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return values, nil
	}
	for d.PeekKind() == '"' {
		t, err := d.ReadToken()
		if err != nil {
			break
		}
		name := t.String()
		v, err := d.ReadValue()
		if err != nil {
			break
		}
		values[name], order = string(v), append(order, name)
	}
	return values, order
}

// Same reports whether two JSON texts say the same in the same order, however strings are
// escaped and whatever blanks there are.
func Same(a, b string) bool { return a == b || Normal(a) == Normal(b) }

// Normal is valid JSON without blanks and with its strings escaped in one way.
func Normal(raw string) string {
	d := jsontext.NewDecoder(strings.NewReader(raw))
	var b strings.Builder
	e := jsontext.NewEncoder(&b)
	for {
		t, err := d.ReadToken()
		if err != nil {
			return strings.TrimSpace(b.String()) // the end
		}
		if e.WriteToken(t) != nil {
			return raw
		}
	}
}
