package observe

import (
	"strings"

	"seaworthy/app/observe/source"
)

// withOwnSource is how many calls of this program show their source.
const withOwnSource = 12

// showSource adds the lines around the calls of this program to the stack of an event, when somebody
// looks at it. An event of another release shows none: its lines were others.
func (s *System) showSource(e *Event) {
	if e.App != nil || e.Release != s.o.Release {
		return
	}
	var places []source.Place
	at := map[source.Place][]*Frame{}
	for i := range e.Frames {
		f := &e.Frames[i]
		p, ok := placeOf(f)
		if !ok || len(places) >= withOwnSource {
			continue
		}
		if at[p] == nil {
			places = append(places, p)
		}
		at[p] = append(at[p], f)
	}
	if len(places) == 0 {
		return
	}
	var found map[source.Place][]source.Line
	if s.o.Checkout != "" {
		found = source.Checkout(s.o.Checkout, places, e.At)
	} else {
		var err error
		if found, err = source.Packed(s.o.Source, places); err != nil {
			s.own.Warn("the program's own source cannot be read", "err", err)
			return
		}
	}
	for p, lines := range found {
		for _, f := range at[p] {
			f.Source = nil
			for _, l := range lines {
				f.Source = append(f.Source, SourceLine{N: l.N, Text: l.Text, Here: l.Here})
			}
		}
	}
}

// placeOf is where a call of this module is in its source; false for calls of others, also of a program
// that embeds this one.
func placeOf(f *Frame) (p source.Place, ok bool) {
	name, ok := strings.CutPrefix(f.File, "seaworthy/")
	if f.Package == "main" && module() == "seaworthy" {
		name, ok = strings.CutPrefix(f.File, "main/")
	}
	return source.Place{File: name, Line: f.Line}, ok && f.Own && f.Line > 0
}
