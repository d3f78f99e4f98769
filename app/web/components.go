package web

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// funcs are what templates may call.
func (p *Pages) funcs(static *Static) template.FuncMap {
	return template.FuncMap{
		"asset": func(name string) (string, error) {
			if url := static.URL(name); url != "" {
				return url, nil
			}
			return "", fmt.Errorf("there is no asset %q", name)
		},
		"icon": func(name string) template.HTML {
			return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="` +
				static.URL("icons/sprite.svg") + `#` + template.HTMLEscapeString(name) + `"></use></svg>`)
		},
		"ago":   p.ago,
		"input": newInput,
		"pill":  func(kind, word string) Pill { return Pill{kind, word} },
		"dict":  dict,
		"within": func(path, prefix string) bool {
			return path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
		},
		"lines": func(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") },
		"either": func(is bool, yes, no string) string {
			if is {
				return yes
			}
			return no
		},
		"inc":    func(n int) int { return n + 1 },
		"short":  short,
		"titled": titled,
	}
}

// Pill is a state as a dot and a word; kind is ok, warn, danger, info or quiet.
type Pill struct{ Kind, Word string }

// Input is one labelled field of a form.
type Input struct {
	Name, Label, Type, Value, Error, Help string
	Autocomplete, Inputmode               string
	Required, Autofocus                   bool
	Maxlength                             int
}

// newInput makes a field from the form's state and pairs of attributes.
func newInput(f *Form, name, label string, pairs ...string) (Input, error) {
	in := Input{Name: name, Label: label, Type: "text", Value: f.Value(name), Maxlength: 255, Required: true}
	if f.Err != nil {
		in.Error = f.Err.FieldMessage(name)
	}
	if len(pairs)%2 != 0 {
		return in, fmt.Errorf("input %s: attributes come in pairs", name)
	}
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1]; pairs[i] {
		case "type":
			in.Type = v
		case "autocomplete":
			in.Autocomplete = v
		case "inputmode":
			in.Inputmode = v
		case "help":
			in.Help = v
		case "value":
			in.Value = v
		case "optional":
			in.Required = false
		case "autofocus":
			in.Autofocus = v == "true"
		default:
			return in, fmt.Errorf("input %s: unknown attribute %q", name, pairs[i])
		}
	}
	if in.Type == "password" {
		in.Value, in.Maxlength = "", 256 // never sent back
	}
	return in, nil
}

func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: keys and values come in pairs")
	}
	for i := 0; i < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m, nil
}

// short is an id's prefix and its last six characters, "usr_…8f3k2q": ids begin
// with their time, so that it is the end which tells neighbours apart. What is
// not an id stays whole.
func short(id string) string {
	const random = 26 // characters after the prefix, see store.NewID
	cut := len(id) - random
	if cut < 2 || id[cut-1] != '_' || strings.ContainsAny(id[cut:], "@. ") {
		return id
	}
	return id[:cut] + "…" + id[len(id)-6:]
}

// titled is the name of a form's field as people read it: "Current password". The
// few whose labels say more than their names are listed.
func titled(field string) string {
	switch field {
	case "email":
		return "Email address"
	case "confirm":
		return "What you type to go on"
	case "require_mfa":
		return "Two-step sign-in"
	case "accent":
		return "Accent colour"
	case "accent_dark":
		return "Accent colour in the dark theme"
	}
	s := strings.ReplaceAll(field, "_", " ")
	return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):]
}

// ago shows a time relative to now, with the absolute one in the title.
func (p *Pages) ago(t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="quiet">never</span>`
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`,
		t.Format(time.RFC3339), t.Format("2 Jan 2006, 15:04:05")+" UTC", relative(p.clock().Sub(t), t)))
}

func relative(d time.Duration, t time.Time) string {
	suffix, prefix := " ago", ""
	if d < 0 {
		d, suffix, prefix = -d, "", "in "
	}
	unit := func(n int, name string) string {
		if n != 1 {
			name += "s"
		}
		return fmt.Sprintf("%s%d %s%s", prefix, n, name, suffix)
	}
	switch {
	case d < 5*time.Second:
		return "now"
	case d < time.Minute:
		return unit(int(d.Seconds()), "second")
	case d < time.Hour:
		return unit(int(d.Minutes()), "minute")
	case d < 24*time.Hour:
		return unit(int(d.Hours()), "hour")
	case d < 14*24*time.Hour:
		return unit(int(d.Hours()/24), "day")
	}
	return t.Format("2 Jan 2006")
}
