package docs

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var pathParameter = regexp.MustCompile(`\{([a-z_]+)(\.\.\.)?\}`)

// example is a call of an operation as it is typed into a shell. What the caller has to
// fill in is a variable.
func example(url string, o operation, body schema, signedIn bool) string {
	var b strings.Builder
	b.WriteString("curl ")
	if o.Method != "GET" && (o.Method != "POST" || len(o.Body) == 0) {
		b.WriteString("-X " + o.Method + " ")
	}
	path := strings.ReplaceAll(o.Path, "{$}", "")
	b.WriteString(`"` + url + pathParameter.ReplaceAllStringFunc(path, func(p string) string {
		return "$" + strings.ToUpper(strings.Trim(p, "{.}"))
	}) + `"`)
	if signedIn {
		key := "$KEY" // a variable and not a key: what is pasted must not end in a history of commands
		if strings.HasPrefix(o.Needs, "a person") {
			key = "$ACCESS_TOKEN"
		}
		b.WriteString(" \\\n  -H \"Authorization: Bearer " + key + "\"")
	}
	if len(o.Body) > 0 {
		text, err := json.Marshal(body.sample("", 0))
		if err == nil {
			b.WriteString(" \\\n  -H 'Content-Type: application/json' \\\n  -d '" + strings.ReplaceAll(string(text), "'", `'\''`) + "'")
		}
	}
	return b.String()
}

// sample is a value of a schema: what is needed, with a word where it is text.
func (s schema) sample(name string, depth int) any {
	switch {
	case s.Example != nil:
		return s.Example
	case len(s.Enum) > 0:
		return s.Enum[0]
	case depth > deepest:
		return nil
	}
	switch s.Type {
	case "string":
		return sampleText(name, s)
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "array":
		if s.Items == nil {
			return []any{}
		}
		return []any{s.Items.sample(name, depth+1)}
	case "object":
		out := map[string]any{}
		for key, p := range s.Properties {
			if slices.Contains(s.Required, key) || len(s.Required) == 0 && len(s.Properties) <= 3 {
				out[key] = p.sample(key, depth+1)
			}
		}
		return out
	}
	return map[string]any{}
}

// sampleText is a text that could stand in a field of that name.
func sampleText(name string, s schema) string {
	if s.Format == "date-time" {
		return "2026-12-01T09:00:00Z"
	}
	known := map[string]string{"email": "ada@example.com", "address": "ada@example.com", "to": "ada@example.com", "name": "Ada", "password": "a few words do well", "current": "a few words do well",
		"code": "123456", "kind": "invoice.send", "cron": "30 2 * * *", "timezone": "Europe/Berlin", "url": "https://app.example.com/jobs", "org": "org_…", "user": "usr_…", "id": "…",
		"price": "price_…", "reason": "asked for it", "subject": "Hello", "title": "Change projects", "role": "rol_member", "action": "invoice.deleted", "type": "user"}
	if word, ok := known[name]; ok {
		return word
	}
	return "…"
}
