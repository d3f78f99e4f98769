package docs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// document is as much of an OpenAPI 3.1 document as the reference shows.
type document struct {
	Paths      map[string]map[string]described // by path and method
	Tags       []struct{ Name, Description string }
	Components struct {
		Responses map[string]struct{ Description string }
	}
}

// described is an operation as the document has it.
type described struct {
	Summary     string
	Description string
	OperationID string `json:"operationId"`
	Tags        []string
	Parameters  []struct {
		Name, In, Description string
		Required              bool
		Schema                schema
	}
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	} `json:"requestBody"`
	Responses map[string]struct {
		Ref         string `json:"$ref"`
		Description string
		Content     map[string]struct{ Schema schema }
	}
	Security   []map[string][]string
	Permission string   `json:"x-permission"`
	Scope      string   `json:"x-permission-scope"`
	Audit      []string `json:"x-audit"`
	Limit      string   `json:"x-rate-limit"`
	Fresh      bool     `json:"x-confirmed"`
}

// schema is a JSON Schema, as far as ours go.
type schema struct {
	Type                 string
	Format               string
	Description          string
	Encoding             string `json:"contentEncoding"`
	Properties           map[string]schema
	Required             []string
	Items                *schema
	AdditionalProperties *schema `json:"additionalProperties"`
	Enum                 []string
	MaxLength            int `json:"maxLength"`
	Example              any
}

// field is a row of a table of fields.
type field struct {
	Name, Type, Means string
	Required          bool
}

// deepest is how far into objects a table of fields goes.
const deepest = 4

// fields are the fields of a body, those of inner objects behind their own: what is
// needed first, then by name.
func (s schema) fields(prefix string, depth int) (all []field) {
	if depth > deepest { // schemas may contain themselves
		return nil
	}
	switch {
	case s.Type == "array" && s.Items != nil:
		if depth == 0 {
			return s.Items.fields("[].", 1)
		}
		return s.Items.fields(prefix, depth)
	case s.AdditionalProperties != nil:
		return s.AdditionalProperties.fields(prefix, depth)
	}
	var names []string
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		first := func(n string) int {
			if slices.Contains(s.Required, n) {
				return 0
			}
			return 1
		}
		return cmp.Or(first(a)-first(b), strings.Compare(a, b))
	})
	for _, name := range names {
		in := s.Properties[name]
		all = append(all, field{Name: prefix + name, Type: in.words(), Means: in.Description, Required: slices.Contains(s.Required, name)})
		all = append(all, in.fields(prefix+name+in.mark(), depth+1)...)
	}
	return all
}

// mark is what stands between a field and those inside of it.
func (s schema) mark() string {
	switch {
	case s.Type == "array":
		return "[]."
	case s.AdditionalProperties != nil:
		return ".*."
	}
	return "."
}

// words is a type as people say it.
func (s schema) words() string {
	switch {
	case len(s.Enum) > 0:
		return "one of " + strings.Join(s.Enum, ", ")
	case s.Type == "array" && s.Items != nil:
		return "list of " + s.Items.words()
	case s.Type == "object" && s.AdditionalProperties != nil:
		return "object of " + s.AdditionalProperties.words()
	case s.Format == "date-time":
		return "time (RFC 3339)"
	case s.Encoding != "":
		return "text in " + s.Encoding
	case s.Type == "string" && s.MaxLength > 0:
		return fmt.Sprintf("text, at most %d", s.MaxLength)
	}
	return cmp.Or(map[string]string{"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "object"}[s.Type], "any JSON")
}
