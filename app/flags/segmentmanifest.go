package flags

import (
	"context"
	"maps"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/manifest"
	"seaworthy/app/web"
	"seaworthy/store"
)

// segmentDoc is a segment as the file has it.
type segmentDoc struct {
	Rule  jsontext.Value `json:"rule"`
	About string         `json:"about,omitempty"`
}

// wantedSegment is a segment of a file.
type wantedSegment struct {
	name string
	edit segmentEdit
	it   manifest.Item
}

// readSegmentItems reads and checks the segments of a file, but for their rules.
func readSegmentItems(section *manifest.Section) (all []wantedSegment, err error) {
	if section == nil {
		return nil, nil
	}
	var faults []error
	for _, it := range section.Items {
		doc, err := manifest.Decode[segmentDoc](it)
		if err == nil {
			var c web.Check
			checkKey(&c, "", it.Name)
			doc.About = c.Text("about", doc.About, 0, 200)
			c.Fault(doc.Rule.Kind() == '{' && doc.Rule.Compact() == nil, "rule", "form", "A segment is one rule of JsonLogic: an object.")
			if err = c.Err(); err == nil {
				err = bounded(doc.Rule, "rule")
			}
			err = it.Fault(err)
		}
		faults = append(faults, err)
		all = append(all, wantedSegment{it.Name, segmentEdit{SaveSegment: SaveSegment{Rule: string(doc.Rule), About: doc.About, Version: AnyVersion, Comment: "seaworthy.yml"}}, it})
	}
	return all, manifest.Join(faults)
}

// segmentsWith are the rules of all segments, as they will be.
func (s *System) segmentsWith(wanted []wantedSegment) map[string][]byte {
	all := maps.Clone(*s.segments.Load())
	for _, w := range wanted {
		all[w.name] = []byte(w.edit.Rule)
	}
	return all
}

func (s *System) prepareSegments(ctx context.Context, f *manifest.File) (manifest.Act, error) {
	section := f.Section("segments")
	wanted, err := readSegmentItems(section)
	if err != nil {
		return manifest.Act{}, err
	}
	segments := s.segmentsWith(wanted)
	var faults []error
	for _, w := range wanted {
		err := compilesAlone(w.name, segments)
		if err == nil {
			err = s.usersCompile(ctx, w.name, segments, f.Section("flags").Names())
		}
		faults = append(faults, w.it.Fault(err))
	}
	if err := manifest.Join(faults); err != nil {
		return manifest.Act{}, err
	}
	wanted = needsFirst(wanted, func(w wantedSegment) string { return w.name }, func(w wantedSegment) []node { return segmentsIn(w.edit.Rule) })
	act := manifest.Act{Put: func(tx *store.Tx, _ *manifest.Report) error {
		for _, w := range wanted {
			was, err := SegmentByName(tx, w.name)
			if err != nil && !isNotFound(err) {
				return err
			}
			if err == nil && manifest.Same(was.Rule, w.edit.Rule) && was.About == w.edit.About {
				continue
			}
			if _, err := s.writeSegment(tx, w.name, w.edit); err != nil {
				return w.it.Fault(err)
			}
		}
		return nil
	}}
	if section.Prune {
		act.Prune = func(tx *store.Tx, _ *manifest.Report) error { return s.pruneSegments(tx, section.Names()) }
	}
	return act, nil
}

// usersCompile holds the flags that name a segment, and that a file does not change, to
// what the segment will be.
func (s *System) usersCompile(ctx context.Context, name string, segments map[string][]byte, changed map[string]bool) error {
	users, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]Flag, error) { return usersOf(tx, name) })
	if err != nil {
		return err
	}
	for _, f := range users {
		if f.State == Faulty || changed[f.Key] {
			continue
		}
		if err := compiles(f.Key, f.Definition, segments); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) pruneSegments(tx *store.Tx, kept map[string]bool) error {
	all, err := Segments(tx)
	if err != nil {
		return err
	}
	// One that needs another goes first.
	for left := true; left; {
		left = false
		for _, seg := range all {
			if kept[seg.Name] {
				continue
			}
			needed, err := referencesTo(tx, node{ofEvaluator, seg.Name}, 1)
			if err != nil {
				return err
			}
			if len(needed) > 0 {
				continue
			}
			if err := s.deleteSegment(tx, seg.Name); err != nil {
				return err
			}
			kept[seg.Name], left = true, true
		}
	}
	for _, seg := range all {
		if !kept[seg.Name] {
			return prefixed("segments", s.deleteSegment(tx, seg.Name)) // says by whom it is needed
		}
	}
	return nil
}

func segmentsState(tx *store.Tx) (all []manifest.Entry, err error) {
	segments, err := Segments(tx)
	for _, seg := range segments {
		o, err := object{}.with("rule", jsontext.Value(manifest.Normal(seg.Rule)))
		if err == nil && seg.About != "" {
			o, err = o.with("about", seg.About)
		}
		if err != nil {
			return nil, err
		}
		raw, err := o.MarshalJSON()
		if err != nil {
			return nil, err
		}
		all = append(all, manifest.Entry{Name: seg.Name, JSON: raw})
	}
	return all, err
}
