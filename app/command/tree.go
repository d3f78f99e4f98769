package command

import (
	"github.com/alecthomas/kong"

	"seaworthy/app/config"
	"seaworthy/app/docs"
)

// Commands are what a program with this name has, for its documentation.
func Commands(name string) []docs.Command {
	var c commands
	parser, err := kong.New(&c, kong.Name(name))
	if err != nil {
		return nil // Run has said so, and did not serve
	}
	options := map[string]bool{}
	for _, o := range config.Options() {
		options[o.Flag] = true
	}
	return below(parser.Model.Node, name, options)
}

// commands are those of the program that runs.
func (v release) commands() []docs.Command { return Commands(v.name()) }

// below are the commands that do something, in the order of the help.
func below(n *kong.Node, path string, options map[string]bool) (all []docs.Command) {
	if n.Type == kong.CommandNode && len(n.Children) == 0 {
		return append(all, describe(n, path, options))
	}
	for _, child := range n.Children {
		if !child.Hidden {
			all = append(all, below(child, path+" "+child.Name, options)...)
		}
	}
	return all
}

func describe(n *kong.Node, path string, options map[string]bool) docs.Command {
	c := docs.Command{Path: path, Help: n.Help, Detail: n.Detail}
	for _, p := range n.Positional {
		c.Arguments = append(c.Arguments, docs.Argument{Name: p.Name, Help: p.Help, Optional: !p.Required, Many: p.IsCumulative()})
	}
	configured := 0
	for _, f := range n.Flags {
		if f.Tag.Get("var") != "" && options[f.Name] {
			configured++
		}
	}
	// A command with a handful of the options has them as its own.
	c.Configured = configured > len(options)/2
	for _, f := range n.Flags {
		if f.Hidden || f.Name == "help" || c.Configured && f.Tag.Get("var") != "" {
			continue
		}
		own := docs.Flag{Name: f.Name, Placeholder: f.PlaceHolder, Default: f.Default, Var: f.Tag.Get("var"), Help: f.Help, Required: f.Required}
		if len(f.Envs) > 0 {
			own.Var = f.Envs[0]
		}
		c.Flags = append(c.Flags, own)
	}
	return c
}
