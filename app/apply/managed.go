package apply

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/manifest"
	"seaworthy/app/web"
	"seaworthy/store"
)

// The actions that it records beside those of the systems.
const (
	actApplied  audit.Action = "configuration.applied"
	actReleased audit.Action = "configuration.released"
)

// Actions are its part of the catalogue.
var Actions = []audit.Kind{
	{Action: actApplied, Title: "File applied", Means: "A file such as seaworthy.yml was applied: what it says of plans, roles, flags and the like is so. Each change has an event of its own."},
	{Action: actReleased, Title: "File gone", Means: "The server started without the seaworthy.yml that it had before. All stays as it is, and is changed in the console alone from now on."},
}

// managed is what files have the say over: the names of a section's things.
type managed struct {
	names map[string]map[string]bool
	rows  []sectionRow
}

// sectionRow is a section that a file has the say over.
type sectionRow struct {
	name, hash, source, by string
	at                     int64 // unix ms
}

func managedNow(tx *store.Tx) (*managed, error) {
	m := &managed{names: map[string]map[string]bool{}}
	var err error
	if m.rows, err = sectionRows(tx); err != nil {
		return nil, err
	}
	for _, row := range m.rows {
		names, err := itemNames(tx, row.name)
		if err != nil {
			return nil, err
		}
		m.names[row.name] = map[string]bool{}
		for _, name := range names {
			m.names[row.name][name] = true
		}
	}
	return m, nil
}

// remember notes what the file has the say over, if that is not known or anything changed.
func (s *System) remember(tx *store.Tx, f *manifest.File, all []prepared, o Options, out *Result) error {
	was, err := managedNow(tx)
	if err != nil {
		return err
	}
	source := "hand"
	if o.Start {
		source = "start"
	}
	// A file that is applied again must write nothing: an event each start would say nothing.
	same := len(out.Changes) == 0
	var released []string
	for _, row := range was.rows {
		if o.Start && row.source == "start" && f.Section(row.name) == nil {
			released, same = append(released, row.name), false
		}
	}
	for _, p := range all {
		i := slices.IndexFunc(was.rows, func(r sectionRow) bool { return r.name == p.part.Name })
		same = same && i >= 0 && was.rows[i].hash == f.Hash && was.rows[i].source == source
	}
	if same {
		return nil
	}
	by := web.IdentityOf(tx.Context()).Actor()
	if by == "" {
		by = map[bool]string{true: "system:seaworthy.yml", false: "system:command"}[o.Start]
	}
	for _, name := range released {
		if err := deleteSection(tx, name); err != nil {
			return err
		}
	}
	var sections []string
	for _, p := range all {
		names := slices.Sorted(maps.Keys(f.Section(p.part.Name).Names()))
		if err := putSection(tx, sectionRow{p.part.Name, f.Hash, source, by, tx.Now().UnixMilli()}, names); err != nil {
			return err
		}
		sections = append(sections, p.part.Name)
	}
	now, err := managedNow(tx)
	if err != nil {
		return err
	}
	tx.AfterCommit(func() { s.managed.Store(now) })
	if len(sections) == 0 && len(released) == 0 {
		return nil
	}
	return s.Audit.Record(tx, audit.Event{Action: actApplied, Targets: []audit.Ref{{Type: "configuration", ID: "file"}},
		Details: map[string]any{"sections": strings.Join(sections, " "), "changes": len(out.Changes)}})
}

// Managed is what is to be said on a page of the console of what a file has the say over;
// "" for nothing. What is changed there by hand counts, until the file is applied again.
func (s *System) Managed(r *http.Request) string {
	m, path := s.managed.Load(), r.URL.Path
	if len(m.rows) == 0 {
		return ""
	}
	for _, p := range s.Parts {
		names, there := m.names[p.Name]
		if !there || len(names) == 0 || p.Page == "" || path != p.Page && !strings.HasPrefix(path, p.Page+"/") {
			continue
		}
		if p.Shape != manifest.Keyed {
			return "This is managed by seaworthy.yml: what you change here counts until that file is applied again."
		}
		rest, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, p.Page), "/"), "/")
		switch {
		case path == p.Page && len(names) == 1:
			return "One " + p.Noun + " is managed by seaworthy.yml: " + slices.Collect(maps.Keys(names))[0] + "."
		case path == p.Page:
			return "Some of this is managed by seaworthy.yml. Changes of what it names count until that file is applied again."
		case names[rest] || names[r.URL.Query().Get(p.Noun)]:
			return "This " + p.Noun + " is managed by seaworthy.yml: what you change here counts until that file is applied again."
		}
	}
	return ""
}

// stateJSON is what files have the say over, as the API gives it.
type stateJSON struct {
	Sections []sectionJSON `json:"sections"`
	Fault    string        `json:"fault,omitempty"` // why the file was not applied at the start
}

type sectionJSON struct {
	Name    string    `json:"name"`
	Hash    string    `json:"hash"`
	Source  string    `json:"source"`
	By      string    `json:"applied_by"`
	Applied time.Time `json:"applied_at"`
	Items   []string  `json:"items,omitempty"`
}

func (s *System) state(may func(manifest.Part) bool) stateJSON {
	m := s.managed.Load()
	out := stateJSON{Sections: []sectionJSON{}, Fault: *s.fault.Load()}
	for _, row := range m.rows {
		i := slices.IndexFunc(s.Parts, func(p manifest.Part) bool { return p.Name == row.name })
		if i < 0 || !may(s.Parts[i]) {
			continue
		}
		one := sectionJSON{Name: row.name, Hash: row.hash, Source: row.source, By: row.by, Applied: time.UnixMilli(row.at).UTC()}
		for _, name := range slices.Sorted(maps.Keys(m.names[row.name])) {
			if name != "" {
				one.Items = append(one.Items, name)
			}
		}
		out.Sections = append(out.Sections, one)
	}
	return out
}
