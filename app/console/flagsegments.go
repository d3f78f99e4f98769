package console

import (
	"net/http"
	"strings"

	"seaworthy/app/flags"
	"seaworthy/app/web"
	"seaworthy/store"
)

const segmentsBase = flagsBase + "/-/segments"

// segmentForm is a segment as a person types it: conditions that all hold, or JSON.
type segmentForm struct {
	Name       string   `json:"name,omitempty"`
	About      string   `json:"about"`
	How        string   `json:"how"` // words or json
	Attributes []string `json:"attributes,omitempty"`
	Operators  []string `json:"operators,omitempty"`
	Values     []string `json:"values,omitempty"`
	Rule       string   `json:"rule"`
	Comment    string   `json:"comment"`
	Version    string   `json:"version"`
}

type segmentsData struct {
	Rows   []flags.Segment
	Done   string
	Manage bool
}

// segmentDone is what happened before a page of segments was shown again.
var segmentDone = map[string]string{
	"saved":    "The segment is saved. Flags that name it go by it now.",
	"restored": "The segment is what it was in that version. Flags that name it go by it now.",
	"deleted":  "The segment is deleted.",
}

func (s *System) segments(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, flags.Segments)
	if err != nil {
		return err
	}
	d := segmentsData{all, segmentDone[r.URL.Query().Get("done")], flagMayOf(web.IdentityOf(r.Context())).Manage}
	return s.Pages.Render(w, r, "flags/segments", web.View{Title: "Segments", Data: d})
}

type segmentData struct {
	Name       string // "" for a new one
	Path       string
	Conditions []conditionRow
	Plain      bool // its rule can be said in words
	Operators  []flags.Operator
	Known      []string
	Used       []namer
	Versions   []flags.Version
	Done       string
	Manage     bool
}

// namer is a flag or a segment that names another segment.
type namer struct{ Name, Path string }

func namersOf(tx *store.Tx, segment string) (all []namer, err error) {
	names, err := flags.UsersOf(tx, segment)
	for _, name := range names {
		path := flagsBase + "/" + name
		if other, is := strings.CutPrefix(name, "segment "); is {
			path = segmentsBase + "/" + other
		}
		all = append(all, namer{name, path})
	}
	return all, err
}

// showSegment renders a segment's form. f holds what was typed, or what there is.
func (s *System) showSegment(w http.ResponseWriter, r *http.Request, name string, f segmentForm, plain bool, fault *web.Error) error {
	d := segmentData{Name: name, Path: flagsBase + "/-/new-segment", Plain: plain, Known: known, Operators: flags.Operators, Done: segmentDone[r.URL.Query().Get("done")], Manage: flagMayOf(web.IdentityOf(r.Context())).Manage}
	for i, a := range f.Attributes {
		if i < len(f.Operators) && i < len(f.Values) {
			d.Conditions = append(d.Conditions, conditionRow{a, f.Operators[i], f.Values[i]})
		}
	}
	d.Conditions = append(d.Conditions, conditionRow{Operator: "is"}, conditionRow{Operator: "is"})
	v := web.View{Title: "New segment", Form: &web.Form{Err: fault, Values: map[string]string{"name": f.Name, "about": f.About, "rule": f.Rule, "comment": f.Comment, "version": f.Version, "how": f.How}}}
	if fault != nil {
		v.Status = fault.Status
	}
	if name != "" {
		v.Title, d.Path = name, segmentsBase+"/"+name
		err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
			if d.Used, err = namersOf(tx, name); err != nil {
				return err
			}
			d.Versions, err = flags.SegmentHistory(tx, name, 1<<30, 6)
			return err
		})
		if err != nil {
			return err
		}
	}
	v.Data = d
	return s.Pages.Render(w, r, "flags/segment", v)
}

func (s *System) newSegment(w http.ResponseWriter, r *http.Request) error {
	return s.showSegment(w, r, "", segmentForm{How: "words", Version: "0"}, true, nil)
}

func (s *System) segment(w http.ResponseWriter, r *http.Request) error {
	f, plain, err := s.segmentTyped(r)
	if err != nil {
		return err
	}
	return s.showSegment(w, r, r.PathValue("name"), f, plain, nil)
}

// segmentTyped is the segment there is, as a person would have typed it.
func (s *System) segmentTyped(r *http.Request) (f segmentForm, plain bool, err error) {
	seg, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (flags.Segment, error) { return flags.SegmentByName(tx, r.PathValue("name")) })
	if err != nil {
		return f, false, err
	}
	all, plain := flags.ReadConditions(seg.Rule)
	f = segmentForm{About: seg.About, How: "words", Rule: flags.Pretty(seg.Rule), Version: versionText(flags.Flag{Version: seg.Version})}
	if !plain {
		f.How = "json"
	}
	for _, c := range all {
		if plain {
			f.Attributes, f.Operators, f.Values = append(f.Attributes, c.Attribute), append(f.Operators, c.Operator), append(f.Values, strings.Join(c.Values, ", "))
		}
	}
	return f, plain, nil
}

func (s *System) makeSegment(w http.ResponseWriter, r *http.Request) error {
	return s.saveSegment(w, r, "")
}

func (s *System) changeSegment(w http.ResponseWriter, r *http.Request) error {
	return s.saveSegment(w, r, r.PathValue("name"))
}

func (s *System) saveSegment(w http.ResponseWriter, r *http.Request, old string) error {
	f, err := web.Decode[segmentForm](r)
	if err != nil {
		return err
	}
	name, version := old, versionOf(f.Version)
	if old == "" {
		name, version = strings.TrimSpace(f.Name), flags.NoVersion
	}
	rule, err := f.rule()
	if err == nil {
		_, err = s.Flags.SaveSegment(r.Context(), name, flags.SaveSegment{Rule: rule, About: f.About, Version: version, Comment: f.Comment})
	}
	if err == nil {
		return web.SeeOther(w, r, segmentsBase+"/"+name+"?done=saved")
	}
	if e, ok := mendable(err); ok {
		return s.showSegment(w, r, old, f, f.How != "json", e)
	}
	return err
}

// rule is what was typed as JsonLogic.
func (f segmentForm) rule() (string, error) {
	if f.How == "json" {
		return f.Rule, nil
	}
	if len(f.Attributes) != len(f.Operators) || len(f.Attributes) != len(f.Values) {
		return "", web.BadRequest("bad_field", "The form is not whole.")
	}
	var all []flags.Condition
	var c web.Check
	for i := range f.Attributes {
		row := conditionRow{strings.TrimSpace(f.Attributes[i]), f.Operators[i], strings.TrimSpace(f.Values[i])}
		if row.empty() {
			continue
		}
		one, wrong := conditionOf(row)
		c.Fault(wrong == "", "conditions", "form", strings.ToUpper(wrong[:min(1, len(wrong))])+wrong[min(1, len(wrong)):])
		all = append(all, one)
	}
	c.Fault(len(all) > 0, "conditions", "required", "Fill in one condition at least.")
	if err := c.Err(); err != nil {
		return "", err
	}
	rule, err := flags.Conditions(all)
	if err != nil {
		return "", web.Invalid(web.Field{Field: "conditions", Code: "form", Message: err.Error() + "."})
	}
	return rule, nil
}

func (s *System) deleteSegment(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[removeInput](r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	if strings.TrimSpace(in.Confirm) == name {
		err = s.Flags.DeleteSegment(r.Context(), name)
	} else {
		err = web.Invalid(web.Field{Field: "confirm", Code: "differs", Message: "Type the name of the segment."})
	}
	if err == nil {
		return web.SeeOther(w, r, segmentsBase+"?done=deleted")
	}
	e, ok := mendable(err)
	if !ok {
		return err
	}
	f, plain, err := s.segmentTyped(r)
	if err != nil {
		return err
	}
	return s.showSegment(w, r, name, f, plain, e)
}
