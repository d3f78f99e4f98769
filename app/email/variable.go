package email

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"seaworthy/app/email/compose"
	"seaworthy/app/web"
)

// Variable is one that a template of the customer's declares.
type Variable struct {
	Name     string `json:"name"`
	Type     string `json:"type"`     // text, url, list
	Required bool   `json:"required"` // a message without it is refused
	Default  string `json:"default"`  // stands for one that is left out or empty
}

// The types of variables.
const (
	typeText = "text"
	typeURL  = "url"
	typeList = "list"
)

const maxVariables = 50

var variableName = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,63}$`)

// checkVariables says what is wrong with a declaration.
func checkVariables(c *web.Check, all []Variable) {
	seen := map[string]bool{"Brand": true, "SiteURL": true}
	c.Fault(len(all) <= maxVariables, "variables", "too_many", fmt.Sprintf("At most %d.", maxVariables))
	for _, v := range all {
		fault := func(ok bool, code, message string) {
			c.Fault(ok, "variables", code, web.CleanText(v.Name, 64)+": "+message)
		}
		fault(variableName.MatchString(v.Name), "name", "a name begins with a capital letter and has letters and digits.")
		fault(!seen[v.Name], "duplicate", "declared twice, or given by the brand.")
		fault(slices.Contains([]string{typeText, typeURL, typeList}, v.Type), "type", "the type is text, url or list.")
		fault(v.Default == "" || !v.Required && v.Type != typeList, "default", "only an optional text or url has a default.")
		fault(len(v.Default) <= 1000, "too_long", "the default is too long.")
		seen[v.Name] = true
	}
}

// apply ties a declaration to what the template uses, and says what does not fit.
func apply(c *web.Check, t *compose.Template, all []Variable) {
	declared := map[string]Variable{}
	for _, v := range all {
		declared[v.Name] = v
	}
	for _, name := range t.Vars {
		v, ok := declared[name]
		_, list := t.Lists[name]
		switch {
		case !ok:
			c.Fault(false, "variables", "undeclared", name+" is used and not declared.")
			continue
		case list != (v.Type == typeList):
			c.Fault(false, "variables", "type", name+" is used as "+kindOf(list)+" and declared as "+v.Type+".")
		case v.Type == typeText && slices.Contains(t.URLs, name):
			c.Fault(false, "variables", "type", name+" is used as an address: declare it as url.")
		case v.Type == typeURL && !slices.Contains(t.URLs, name):
			t.URLs = append(t.URLs, name)
		}
		if !v.Required {
			t.MayLack(name, v.Default)
		}
	}
}

func kindOf(list bool) string {
	if list {
		return typeList
	}
	return typeText
}

// declare makes the declaration of a template that has none: one of ours.
func declare(t *compose.Template) (all []Variable) {
	for _, name := range t.Vars {
		v := Variable{Name: name, Type: typeText, Required: true}
		if _, list := t.Lists[name]; list {
			v.Type = typeList
		} else if slices.Contains(t.URLs, name) {
			v.Type = typeURL
		}
		if instead, optional := t.Optional[name]; optional {
			v.Required, v.Default = false, instead
		}
		all = append(all, v)
	}
	return all
}

// parseVariables reads a declaration as it is typed, one a line:
//
//	Name: text
//	Note: text, optional
//	Plan: text = Free
//	Link: url
//	Lines: list
func parseVariables(text string) (all []Variable, err error) {
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, rest, ok := strings.Cut(line, ":")
		rest, instead, has := strings.Cut(rest, "=")
		kind, option, optional := strings.Cut(rest, ",")
		v := Variable{Name: strings.TrimSpace(name), Type: strings.TrimSpace(kind), Default: strings.TrimSpace(instead), Required: !has && !optional}
		if option = strings.TrimSpace(option); !ok || optional && option != "optional" {
			return nil, web.Invalid(web.Field{Field: "variables", Code: "form",
				Message: fmt.Sprintf("%q is not understood. Write one a line, such as Name: text, or Note: text, optional.", web.CleanText(line, 60))})
		}
		all = append(all, v)
	}
	return all, nil
}

// formatVariables writes what parseVariables reads.
func formatVariables(all []Variable) string {
	var b strings.Builder
	for _, v := range all {
		b.WriteString(v.Name + ": " + v.Type)
		switch {
		case v.Default != "":
			b.WriteString(" = " + v.Default)
		case !v.Required:
			b.WriteString(", optional")
		}
		b.WriteString("\n")
	}
	return b.String()
}
