package rule

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Document is a file of flags in flagd's JSON: flags, $evaluators, metadata.
type Document struct {
	flags      []member
	evaluators map[string]node
	metadata   map[string]any
}

// Options are what evaluating needs of the rest.
type Options struct {
	Clock func() time.Time // $flagd.timestamp; time.Now if nil
}

// Parse reads a document strictly.
func Parse(doc []byte) (*Document, error) {
	n, err := read(doc)
	if err != nil {
		return nil, err
	}
	flags := n.get("flags")
	if n.kind != '{' || flags.kind != 0 && flags.kind != '{' {
		return nil, errors.New("a file of flags is an object with the member flags, an object")
	}
	d := &Document{flags: flags.members, evaluators: map[string]node{}}
	for _, m := range n.get("$evaluators").members {
		d.evaluators[m.name] = m.value
	}
	if m := n.get("metadata"); m.kind == '{' && len(m.members) > 0 {
		d.metadata, _ = m.value().(map[string]any)
	}
	return d, nil
}

// Compile compiles every flag. One with a fault answers PARSE_ERROR; the others work.
func (d *Document) Compile(o Options) (*Set, []Fault) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	s := &Set{flags: make(map[string]*Flag, len(d.flags)), clock: o.Clock}
	shared := func(name string) (node, bool) {
		n, ok := d.evaluators[name]
		return n, ok
	}
	var faults []Fault
	for _, m := range d.flags {
		f, err := compileFlag(m.name, m.value, shared, d.metadata)
		if err != nil {
			faults = append(faults, *f.fault)
		}
		s.flags[m.name] = f
		s.keys = append(s.keys, m.name)
	}
	slices.Sort(s.keys)
	for _, key := range s.keys {
		if circle := s.Circle(key); circle != nil {
			f, _ := broken(key, &Fault{Path: "x-seaworthy/prerequisites", Message: "flags need each other in a circle: " + strings.Join(circle, " -> ")})
			faults = append(faults, *f.fault)
			s.flags[key] = f
		}
	}
	return s, faults
}

// Circle is a way from a flag by prerequisites back to it, nil if there is none.
func (s *Set) Circle(key string) []string {
	seen := map[string]bool{}
	var walk func(at string, way []string) []string
	walk = func(at string, way []string) []string {
		f := s.flags[at]
		if f == nil || seen[at] {
			return nil
		}
		seen[at] = true
		for _, n := range f.needs {
			if n.flag == key {
				return append(way, at, key)
			}
			if found := walk(n.flag, append(way, at)); found != nil {
				return found
			}
		}
		return nil
	}
	return walk(key, nil)
}
