package flags

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
)

// Bounds of the parts of a definition.
const (
	maxVariants      = 100
	maxPrerequisites = 20
	maxName          = 128 // bytes of a variant's name
)

var tagForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)

// bounded refuses JSON that is too large, too deep, malformed or names a member
// twice, without walking deeper than it allows.
func bounded(raw []byte, field string) error {
	if len(raw) > maxDefinition {
		return &web.Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Public: fmt.Sprintf("This is larger than the %d bytes that a flag or a segment may have.", maxDefinition)}
	}
	for d := jsontext.NewDecoder(bytes.NewReader(raw)); ; {
		_, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, jsontext.ErrDuplicateName):
			return web.Invalid(web.Field{Field: field, Code: "duplicate", Message: "A name stands twice in one object, at " + web.CleanText(string(d.StackPointer()), 200) + "."})
		case err != nil:
			return web.Invalid(web.Field{Field: field, Code: "json", Message: "This is not valid JSON, near byte " + fmt.Sprint(d.InputOffset()) + "."})
		case d.StackDepth() > maxDepth:
			return web.Invalid(web.Field{Field: field, Code: "too_deep", Message: fmt.Sprintf("This nests deeper than %d levels.", maxDepth)})
		}
	}
}

// checkDefinition reads a flag object and says what is wrong with it, but for its
// rules, which the compiler judges.
func checkDefinition(raw string) (Definition, error) {
	if err := bounded([]byte(raw), "definition"); err != nil {
		return Definition{}, err
	}
	d, err := ReadDefinition(raw)
	if err != nil {
		return d, web.Invalid(web.Field{Field: "definition", Code: "form", Message: "A flag is a JSON object as flagd has it: " + err.Error() + "."})
	}
	var c web.Check
	c.Fault(d.State == "ENABLED" || d.State == "DISABLED", "state", "unknown", "ENABLED or DISABLED.")
	d.checkVariants(&c)
	d.checkExtension(&c)
	return d, c.Err()
}

func (d Definition) checkVariants(c *web.Check) {
	c.Fault(len(d.Variants) > 0, "variants", "required", "A flag has at least one variant.")
	c.Fault(len(d.Variants) <= maxVariants, "variants", "too_many", fmt.Sprintf("At most %d.", maxVariants))
	for _, v := range d.Variants {
		c.Fault(v.Name != "" && len(v.Name) <= maxName && web.CleanText(v.Name, maxName) == v.Name, "variants", "form", "A variant's name is 1 to 128 printable characters.")
		c.Fault(typeOf(v.Value) == typeOf(d.Variants[0].Value), "variants", "type", "All variants have values of one type: boolean, string, number or object.")
	}
	if value := d.object.get("defaultVariant"); len(value) > 0 && value.Kind() != 'n' {
		c.Fault(value.Kind() == '"' && d.Has(d.Default), "defaultVariant", "unknown", "This is none of the variants.")
	}
}

// typeOf is the type of a flag that has a variant of this value.
func typeOf(value string) string {
	if value == "" {
		return ""
	}
	switch value[0] {
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '{', '[':
		return "object"
	case 'n':
		return "null"
	}
	return "number"
}

// Type is the type of the flag's values: boolean, string, number or object.
func (d Definition) Type() string {
	if len(d.Variants) == 0 {
		return ""
	}
	return typeOf(d.Variants[0].Value)
}

func (d Definition) checkExtension(c *web.Check) {
	x := d.Extension
	const at = extensionName + "."
	c.Fault(x.OffVariant == "" || d.Has(x.OffVariant), at+"offVariant", "unknown", "This is none of the variants.")
	c.Text(at+"owner", x.Owner, 0, 100)
	_, err := x.expiry()
	c.Fault(err == nil, at+"expires", "time", "A day such as 2026-12-31, or a time as RFC 3339 writes it.")
	c.Fault(len(x.Tags) <= maxTags, at+"tags", "too_many", fmt.Sprintf("At most %d.", maxTags))
	for _, tag := range x.Tags {
		c.Fault(tagForm.MatchString(tag), at+"tags", "form", "A tag is up to 40 small letters, digits, dots, hyphens and underscores.")
	}
	c.Fault(len(x.Prerequisites) <= maxPrerequisites, at+"prerequisites", "too_many", fmt.Sprintf("At most %d.", maxPrerequisites))
	for _, p := range x.Prerequisites {
		c.Fault(p.Flag != "" && len(p.Variants) > 0 && !slices.Contains(p.Variants, ""), at+"prerequisites", "form", "A prerequisite names a flag and the variants of which it must serve one.")
	}
}

// checkWhy demands a reason that people will read in the log.
func checkWhy(c *web.Check, why string) string {
	why = c.Text("reason", why, 0, 500)
	c.Fault(len(strings.TrimSpace(why)) >= 5, "reason", "too_short", "Say why, for the log: at least 5 characters.")
	return why
}
