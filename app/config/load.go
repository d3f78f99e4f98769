package config

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// Option is a row of the table, for help pages and checks.
type Option struct {
	Flag, Var, Default, Help string
	Secret                   bool
}

// Options lists every option in the order of Config.
func Options() []Option {
	var all []Option
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		_, secret := tag.Lookup("secret")
		all = append(all, Option{Flag: tag.Get("name"), Var: tag.Get("var"), Default: tag.Get("default"), Help: tag.Get("help"), Secret: secret})
	}
	return all
}

// Lookup reads an environment variable, like os.LookupEnv.
type Lookup func(name string) (string, bool)

// Sources answers each option from, in this order: the variable, the file named
// by the variable with _FILE appended (for secrets), seaworthy.env in the data
// folder. Flags come before all of them.
type Sources struct {
	env  Lookup
	file map[string]string
}

// NewSources reads <data>/seaworthy.env if there is one. data is the folder the
// flags or the environment name.
func NewSources(env Lookup, data string) (*Sources, error) {
	file, err := readEnvFile(filepath.Join(data, "seaworthy.env"))
	if err != nil {
		return nil, err
	}
	return &Sources{env: env, file: file}, nil
}

// Get finds the value of a variable, or reports that it is set nowhere.
func (s *Sources) Get(name string) (string, bool, error) {
	if v, ok := s.env(name); ok {
		return v, true, nil
	}
	if path, ok := s.env(name + "_FILE"); ok {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", false, fmt.Errorf("%s_FILE: %w", name, err)
		}
		return strings.TrimRight(string(text), "\r\n"), true, nil
	}
	v, ok := s.file[name]
	return v, ok, nil
}

// Validate implements kong.Resolver: a variable in seaworthy.env that nothing
// reads is a mistake worth a word.
func (s *Sources) Validate(*kong.Application) error {
	known := map[string]bool{}
	for _, o := range Options() {
		known[o.Var] = true
	}
	for name := range s.file {
		if strings.HasPrefix(name, "SEAWORTHY_") && !known[name] {
			return fmt.Errorf("seaworthy.env sets %s, which is not an option", name)
		}
	}
	return nil
}

// Resolve implements kong.Resolver for the options of Config.
func (s *Sources) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	name := flag.Tag.Get("var")
	if name == "" {
		return nil, nil
	}
	v, ok, err := s.Get(name)
	if err != nil || !ok {
		return nil, err
	}
	return v, nil
}

// Load makes a validated Config from the environment and seaworthy.env alone,
// for programs that embed the app.
func Load(env Lookup) (Config, error) {
	var c Config
	sources, err := NewSources(env, DataFolder(nil, env))
	if err != nil {
		return c, err
	}
	parser, err := kong.New(&c, kong.Name("seaworthy"), kong.Resolvers(sources), kong.Exit(func(int) {}))
	if err != nil {
		return c, err
	}
	if _, err := parser.Parse(nil); err != nil {
		return c, err
	}
	return c, c.Validate()
}

// DataFolder is the data folder that the arguments or the environment name; it
// is needed before the rest can be read.
func DataFolder(args []string, env Lookup) string {
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--data="); ok {
			return v
		}
		if a == "--data" && i+1 < len(args) {
			return args[i+1]
		}
	}
	if v, ok := env("SEAWORTHY_DATA"); ok && v != "" {
		return v
	}
	return "data"
}

// readEnvFile reads NAME=value lines; # starts a comment line, one pair of
// quotes around a value is dropped.
func readEnvFile(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	vars := map[string]string{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if !ok {
			return nil, fmt.Errorf("%s line %d: want NAME=value", path, n)
		}
		value = strings.TrimSpace(value)
		if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		vars[strings.TrimSpace(name)] = value
	}
	return vars, lines.Err()
}

// Value is what the option of a variable is set to, as text, and whether that differs from
// its default. A secret's text is "".
func (c *Config) Value(name string) (text string, set bool) {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if tag.Get("var") != name {
			continue
		}
		switch f := v.Field(i).Interface().(type) {
		case string:
			text = f
		case []string:
			text = strings.Join(f, ",")
		default:
			text = fmt.Sprint(f)
		}
		set = text != "" && text != tag.Get("default")
		if _, secret := tag.Lookup("secret"); secret {
			text = ""
		}
		return text, set
	}
	return "", false
}
