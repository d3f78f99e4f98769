package docs

import (
	"net/http"
	"strings"
)

// Command is a command of the command line.
type Command struct {
	Path       string // as it is typed: "seaworthy backup verify"
	Help       string
	Detail     string
	Arguments  []Argument
	Flags      []Flag
	Configured bool // it takes every option of the configuration beside
}

// Argument is what a command is given by its place.
type Argument struct {
	Name, Help string
	Optional   bool
	Many       bool
}

// Flag is what a command is given by name.
type Flag struct {
	Name, Placeholder, Default, Var, Help string
	Required                              bool
}

// Anchor is the command's place on its page.
func (c Command) Anchor() string { return anchor(c.Path) }

// Usage is how the command is written.
func (c Command) Usage() string {
	var b strings.Builder
	b.WriteString(c.Path)
	for _, a := range c.Arguments {
		word := strings.ToUpper(a.Name)
		if a.Many {
			word += "..."
		}
		if a.Optional {
			word = "[" + word + "]"
		}
		b.WriteString(" " + word)
	}
	if len(c.Flags) > 0 || c.Configured {
		b.WriteString(" [options]")
	}
	return b.String()
}

// anchor is a name as an id in a page.
func anchor(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
}

func (s *System) commandsPage(w http.ResponseWriter, r *http.Request) error {
	all := s.program()
	var f frame
	for _, c := range all {
		f.Contents = append(f.Contents, heading{c.Anchor(), c.Path[strings.IndexByte(c.Path, ' ')+1:], 2})
	}
	f.Content = all
	return s.render(w, r, "commands", "commands", "Commands", f)
}
