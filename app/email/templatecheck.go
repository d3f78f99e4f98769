package email

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"seaworthy/app/email/compose"
	"seaworthy/app/web"
)

// TemplateInput is a template as people save it.
type TemplateInput struct {
	Name      string       `json:"name,omitempty"`
	Version   int          `json:"version"` // that was changed; 0 for a new one
	Source    string       `json:"source"`
	Variables []Variable   `json:"variables"` // none for a mail of ours: it has its own
	Sample    compose.Vars `json:"sample"`
}

var templateName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

// badField is the 422 that names one field.
func badField(field, code, message string) error {
	return web.Invalid(web.Field{Field: field, Code: code, Message: message})
}

// checked is a template that may be saved.
type checked struct {
	TemplateInput
	parsed *compose.Template
	mail   compose.Mail // the sample
}

// check reads a template whole: its words, its declaration, and its sample, which
// must come out as a mail.
func (s *System) check(in TemplateInput) (c checked, err error) {
	ours := s.templates[in.Name]
	if ours == nil && !templateName.MatchString(in.Name) {
		return c, badField("name", "name", "Small letters, digits and hyphens, at most 64, such as welcome.")
	}
	in.Source = strings.ReplaceAll(in.Source, "\r\n", "\n")
	if strings.TrimSpace(in.Source) == "" {
		return c, badField("source", "required", "Write the template.")
	}
	if ours != nil {
		in.Variables = declare(ours)
		if len(in.Sample) == 0 {
			in.Sample = s.samples[in.Name]
		}
	}
	c.TemplateInput = in
	if c.parsed, err = s.readTemplate(in.Name, in.Source, in.Variables); err != nil {
		return c, err
	}
	if c.mail, err = c.parsed.RenderVars(s.dress(*s.brand.Load()), in.Sample); err != nil {
		return c, asFault(in.Name, "sample", err)
	}
	if ours != nil { // whatever sample was typed, what we send must come out
		if _, err := c.parsed.RenderVars(s.dress(*s.brand.Load()), s.samples[in.Name]); err != nil {
			return c, asFault(in.Name, "source", err)
		}
	}
	return c, nil
}

// asFault names the field that an error of compose is about.
func asFault(name, field string, err error) error {
	message := strings.TrimPrefix(err.Error(), "mail "+name+": ")
	var missing *compose.MissingError
	var wrong *compose.WrongError
	code := "invalid"
	switch {
	case errors.As(err, &missing):
		code, message = "required", "It has no value for "+strings.Join(missing.Names, ", ")+"."
	case errors.As(err, &wrong):
		code, message = "type", wrong.Name+" must be "+wrong.Want+"."
	}
	return badField(field, code, web.CleanText(message, 300))
}

// readTemplate parses a template and ties it to its declaration, or to the mail of
// ours that it stands for.
func (s *System) readTemplate(name, source string, variables []Variable) (*compose.Template, error) {
	if len(source) > compose.MaxSource {
		return nil, badField("source", "too_long", "At most 64 KB.")
	}
	t, err := compose.Parse(name, source)
	if err != nil {
		return nil, asFault(name, "source", err)
	}
	var c web.Check
	if ours := s.templates[name]; ours != nil {
		fit(&c, t, ours)
	} else {
		checkVariables(&c, variables)
		apply(&c, t, variables)
	}
	return t, c.Err()
}

// fit holds the customer's words for a mail of ours to what the mail is for: who
// sends it knows only our variables, and a mail with a link or a code is worth
// nothing without it.
func fit(c *web.Check, t, ours *compose.Template) {
	c.Fault(t.Class == ours.Class, "source", "class", "The class of this mail is "+ours.Class+" and cannot be changed.")
	c.Fault(t.TTL == ours.TTL, "source", "ttl", "The ttl of this mail is "+ttlText(ours)+" and cannot be changed.")
	for _, name := range t.Vars {
		fields, list := t.Lists[name]
		known, listed := ours.Lists[name]
		switch {
		case !slices.Contains(ours.Vars, name):
			c.Fault(false, "source", "unknown", "{{."+name+"}} is not given to this mail. It has "+strings.Join(ours.Vars, ", ")+", Brand and SiteURL.")
		case list != listed:
			c.Fault(false, "source", "type", name+" is "+kindOf(listed)+" in this mail.")
		}
		for _, f := range fields {
			c.Fault(!listed || slices.Contains(known, f), "source", "unknown", fmt.Sprintf("The rows of %s have %s, not %s.", name, strings.Join(known, ", "), f))
		}
	}
	for _, name := range ours.Acts {
		c.Fault(slices.Contains(t.Acts, name), "source", "act", "This mail is worth nothing without {{."+name+"}} in a button, or in code: as ours has it.")
	}
	for name, instead := range ours.Optional {
		if slices.Contains(t.Vars, name) {
			t.MayLack(name, instead)
		}
	}
}

// ttlText is a template's time to live as its head says it.
func ttlText(t *compose.Template) string {
	if t.TTL == 0 {
		return "none"
	}
	return t.TTL.String()
}
