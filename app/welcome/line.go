package welcome

import "seaworthy/app/config"

// Line is what has to stand in data/seaworthy.env, or in the environment, for something.
type Line struct {
	Name    string
	Example string // its value, to be replaced
	Help    string
	Set     bool   // it was seen when this process started
	Value   string // what it is set to; "" for a secret
}

// Text is the line as it is copied.
func (l Line) Text() string { return l.Name + "=" + l.Example }

// line is a line of the environment, with what the configuration says of it.
func (s *System) line(name, example string) Line {
	l := Line{Name: name, Example: example}
	for _, o := range config.Options() {
		if o.Var == name {
			l.Help = o.Help
		}
	}
	l.Value, l.Set = s.Config.Value(name)
	return l
}

// meaning says what a variable is for here, where it has more than one use.
func (l Line) meaning(help string) Line {
	l.Help = help
	return l
}
