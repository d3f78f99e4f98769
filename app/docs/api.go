package docs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"seaworthy/app/web"
)

// reference is the API as its pages show it.
type reference struct {
	systems []apiSystem
}

// apiSystem is a part of the API.
type apiSystem struct {
	Name, Title, About string
	Operations         []operation
}

// operation is one thing that the API does.
type operation struct {
	ID, Method, Path, Summary, Description string
	Needs                                  string // who may
	Permission                             string
	Confirmed                              bool
	Limit                                  string
	Audit                                  []string
	Parameters                             []field
	Body, Answer                           []field
	BodyKind, AnswerKind                   string
	Success                                string // "201 Created"
	Faults                                 []fault
	Example                                string
}

// fault is an answer that is none.
type fault struct{ Status, When string }

// readReference makes the reference from the document that programs read.
func readReference(doc map[string]any, url string) (*reference, error) {
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("the API's description: %w", err)
	}
	var d document
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("the API's description: %w", err)
	}
	ref := &reference{}
	at := map[string]int{}
	for i, t := range d.Tags {
		title, about, _ := strings.Cut(t.Description, ": ")
		ref.systems = append(ref.systems, apiSystem{Name: t.Name, Title: title, About: strings.ToUpper(about[:min(1, len(about))]) + about[min(1, len(about)):] + "."})
		at[t.Name] = i
	}
	for path, methods := range d.Paths {
		for method, in := range methods {
			o := d.operation(strings.ToUpper(method), path, url, in)
			for _, tag := range in.Tags {
				g := &ref.systems[at[tag]]
				g.Operations = append(g.Operations, o)
			}
		}
	}
	ref.systems = slices.DeleteFunc(ref.systems, func(g apiSystem) bool { return len(g.Operations) == 0 })
	for _, g := range ref.systems {
		slices.SortFunc(g.Operations, func(a, b operation) int {
			return cmp.Or(strings.Compare(a.Path, b.Path), methodOrder(a.Method)-methodOrder(b.Method))
		})
	}
	return ref, nil
}

// operation is one as the reference shows it.
func (d *document) operation(method, path, url string, in described) operation {
	o := operation{ID: in.OperationID, Method: method, Path: path, Summary: in.Summary, Description: in.Description,
		Permission: in.Permission, Confirmed: in.Fresh, Limit: in.Limit, Audit: in.Audit, Needs: needs(in.Security, in.Permission, in.Scope)}
	for _, p := range in.Parameters {
		o.Parameters = append(o.Parameters, field{Name: p.Name, Type: p.In + ", " + p.Schema.words(), Means: p.Description, Required: p.Required})
	}
	var body schema
	for kind, c := range in.RequestBody.Content {
		o.BodyKind, body = kind, c.Schema
		o.Body = body.fields("", 0)
	}
	for status, r := range in.Responses {
		switch {
		case status == "default": // any problem; the guide has a page about those
		case status < "300":
			o.Success = status + " " + r.Description
			for kind, c := range r.Content {
				o.AnswerKind, o.Answer = kind, c.Schema.fields("", 0)
			}
		default:
			name := r.Ref[strings.LastIndexByte(r.Ref, '/')+1:]
			o.Faults = append(o.Faults, fault{status, cmp.Or(r.Description, d.Components.Responses[name].Description)})
		}
	}
	slices.SortFunc(o.Faults, func(a, b fault) int { return strings.Compare(a.Status, b.Status) })
	o.Example = example(url, o, body, in.Security != nil)
	return o
}

// methodOrder is that of a list: look, make, set, change, remove.
func methodOrder(method string) int {
	return slices.Index([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, method)
}

// needs says in words who may use an operation.
func needs(security []map[string][]string, permission, scope string) string {
	switch {
	case permission != "" && scope == "org":
		return "in that organization"
	case permission != "":
		return "in the whole installation"
	case security == nil:
		return "nothing: everybody may."
	}
	for _, one := range security {
		if _, ok := one["bearer"]; ok {
			return "a session, an access token or an API key."
		}
	}
	return "a person: a session or an access token, no API key."
}

type apiData struct {
	Systems []apiSystem
	Found   int
}

// apiIndex lists all operations, or those that a filter leaves.
func (s *System) apiIndex(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.api()
	if err != nil {
		return err
	}
	query := web.CleanText(r.URL.Query().Get("q"), maxQuery)
	words := strings.Fields(strings.ToLower(query))
	var d apiData
	f := frame{Query: query}
	for _, g := range ref.systems {
		g.Operations = slices.DeleteFunc(slices.Clone(g.Operations), func(o operation) bool {
			text := strings.ToLower(o.Method + " " + o.Path + " " + o.Summary + " " + o.Permission + " " + g.Title)
			return slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
		})
		if len(g.Operations) == 0 {
			continue
		}
		d.Found += len(g.Operations)
		d.Systems = append(d.Systems, g)
		f.Contents = append(f.Contents, heading{"api-" + g.Name, g.Title, 2})
	}
	f.Content = d
	return s.render(w, r, "api", "api", "API", f)
}

// apiSystem shows the operations of one system with all that there is to know.
func (s *System) apiSystem(w http.ResponseWriter, r *http.Request) error {
	ref, err := s.api()
	if err != nil {
		return err
	}
	for _, g := range ref.systems {
		if g.Name != r.PathValue("system") {
			continue
		}
		f := frame{Content: g}
		for _, o := range g.Operations {
			f.Contents = append(f.Contents, heading{o.ID, o.Method + " " + strings.TrimPrefix(strings.TrimPrefix(o.Path, "/-/api/v1"), "/-"), 3})
		}
		return s.render(w, r, "apisystem", "api", g.Title+" API", f)
	}
	return web.ErrNotFound
}
