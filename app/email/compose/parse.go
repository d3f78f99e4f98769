package compose

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// MaxSource is how long the text of a template may be, in bytes.
const MaxSource = 64 << 10

// Parse reads a template. What would come out wrong in a mail is an error here:
// a variable that is not one, a half button, a ** without its partner, a group
// that does not end.
func Parse(name, text string) (*Template, error) {
	t := &Template{Name: name, Lang: "en"}
	if err := t.parse(strings.ReplaceAll(text, "\r\n", "\n")); err != nil {
		return nil, fmt.Errorf("mail %s: %w", name, err)
	}
	return t, nil
}

func (t *Template) parse(text string) error {
	head, body, ok := strings.Cut(text, "\n---\n")
	if !ok {
		return errors.New("no --- between head and body")
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && unsafe(r) }) {
		return errors.New("it has control characters")
	}
	if rest := variable.ReplaceAllString(text, " "); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		return errors.New("{{ }} takes a variable's name only, as in {{.Name}}")
	}
	if err := t.parseHead(head); err != nil {
		return err
	}
	r := &reader{lines: strings.Split(body, "\n")}
	blocks, closing, err := r.blocks(0)
	if err != nil {
		return err
	}
	if closing != "" {
		return fmt.Errorf("%q stands outside of any group", closing)
	}
	if len(blocks) == 0 {
		return errors.New("the body is empty")
	}
	t.blocks = blocks
	u := &uses{texts: map[string]bool{}, lists: map[string]map[string]bool{}, urls: map[string]bool{}, acts: map[string]bool{}}
	if err := u.collect(t); err != nil {
		return err
	}
	t.Vars = slices.Sorted(maps.Keys(u.texts))
	t.URLs, t.Acts = slices.Sorted(maps.Keys(u.urls)), slices.Sorted(maps.Keys(u.acts))
	t.Lists = map[string][]string{}
	for list, fields := range u.lists {
		t.Vars = append(t.Vars, list)
		t.Lists[list] = slices.Sorted(maps.Keys(fields))
	}
	slices.Sort(t.Vars)
	for name := range t.Optional {
		if !slices.Contains(t.Vars, name) {
			return fmt.Errorf("it does not use %s, which it says is optional", name)
		}
	}
	return nil
}

// MayLack says that a variable may be left out, and what stands for it then.
func (t *Template) MayLack(name, instead string) {
	if t.Optional == nil {
		t.Optional = map[string]string{}
	}
	t.Optional[name] = oneLine(instead)
}

// classes decide what a suppression or an unsubscription stops (spec/email.md section 1).
var classes = []string{"security", "account", "billing", "product", "marketing"}

func (t *Template) parseHead(head string) error {
	fields := map[string]string{}
	for line := range strings.SplitSeq(head, "\n") {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch {
		case !ok:
			return fmt.Errorf("head line %q is not name: value", line)
		case !slices.Contains([]string{"subject", "preheader", "class", "ttl", "lang", "optional"}, key):
			return fmt.Errorf("unknown head field %q", key)
		case value == "" || fields[key] != "":
			return fmt.Errorf("head field %q is empty or given twice", key)
		case strings.Contains(value, "**"):
			return fmt.Errorf("head field %q cannot be bold", key)
		}
		fields[key] = value
	}
	if fields["subject"] == "" || fields["preheader"] == "" || fields["class"] == "" {
		return errors.New("the head needs subject, preheader and class")
	}
	t.subject, t.preheader, t.Class = newLeaf(fields["subject"]), newLeaf(fields["preheader"]), fields["class"]
	t.Subject = fields["subject"]
	if !slices.Contains(classes, t.Class) {
		return fmt.Errorf("class %q is none of %s", t.Class, strings.Join(classes, ", "))
	}
	if lang := fields["lang"]; lang != "" {
		if t.Lang = lang; !language.MatchString(lang) {
			return fmt.Errorf("lang %q is no language such as en or pt-BR", lang)
		}
	}
	for name := range strings.SplitSeq(fields["optional"], ",") {
		if name = strings.TrimSpace(name); name != "" {
			t.MayLack(name, "")
		}
	}
	if fields["ttl"] == "" {
		return nil
	}
	ttl, err := time.ParseDuration(fields["ttl"])
	if err != nil || ttl <= 0 {
		return fmt.Errorf("ttl %q is not a time such as 30m", fields["ttl"])
	}
	t.TTL = ttl
	return nil
}
