package replica

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// reader walks a YAML document and keeps the first thing that is wrong with it.
type reader struct {
	env func(string) string
	err error
}

// mapping is one YAML mapping whose keys are taken one by one; what is left at
// the end is unknown.
type mapping struct {
	r      *reader
	name   string // "" at the top, else with a trailing dot
	line   int
	keys   []*yaml.Node
	values map[string]*yaml.Node
}

func (r *reader) fail(line int, key, format string, args ...any) {
	if r.err == nil {
		r.err = &ConfigError{Line: line, Key: key, Why: fmt.Sprintf(format, args...)}
	}
}

// document parses the text into its one mapping.
func (r *reader) document(text []byte) mapping {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		r.err = errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
		return mapping{r: r}
	}
	if len(doc.Content) == 0 {
		return mapping{r: r}
	}
	return r.mapping(doc.Content[0], "")
}

func (r *reader) mapping(n *yaml.Node, name string) mapping {
	m := mapping{r: r, values: map[string]*yaml.Node{}}
	if name != "" {
		m.name = name + "."
	}
	if n == nil {
		return m
	}
	m.line = n.Line
	if n.Kind != yaml.MappingNode {
		r.fail(n.Line, name, "must be a mapping of keys to values")
		return m
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if _, twice := m.values[key.Value]; twice {
			r.fail(key.Line, m.name+key.Value, "given twice")
		}
		m.keys = append(m.keys, key)
		m.values[key.Value] = n.Content[i+1]
	}
	return m
}

// take removes a key and returns its value, nil when it is not there.
func (m *mapping) take(key string) *yaml.Node {
	n := m.values[key]
	delete(m.values, key)
	return n
}

// sub takes a key that holds a mapping.
func (m *mapping) sub(key string) mapping { return m.r.mapping(m.take(key), m.name+key) }

// list takes a key that holds a sequence of mappings.
func (m *mapping) list(key string) []mapping {
	n := m.take(key)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		m.r.fail(n.Line, m.name+key, "must be a list")
		return nil
	}
	var all []mapping
	for i, item := range n.Content {
		all = append(all, m.r.mapping(item, m.name+key+"["+strconv.Itoa(i)+"]"))
	}
	return all
}

// text takes a key that holds a string, with its variables expanded.
func (m *mapping) text(key string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		m.r.fail(n.Line, m.name+key, "must be a single value")
		return ""
	}
	value, err := expand(n.Value, m.r.env)
	if err != nil {
		m.r.fail(n.Line, m.name+key, "%v", err)
	}
	return value
}

// duration takes a key that holds a time span in Go's notation. It must lie
// between low and high; fallback stands for a missing key.
func (m *mapping) duration(key string, fallback, low, high time.Duration) time.Duration {
	n := m.values[key]
	if n == nil {
		return fallback
	}
	d, err := time.ParseDuration(m.text(key))
	if err != nil {
		m.r.fail(n.Line, m.name+key, "%q is not a duration like 30s, 5m or 24h", n.Value)
		return fallback
	}
	if d < low || d > high {
		m.r.fail(n.Line, m.name+key, "%v is outside of %v to %v", d, low, high)
	}
	return d
}

// flag takes a key that holds true or false.
func (m *mapping) flag(key string, fallback bool) bool {
	n := m.values[key]
	if n == nil {
		return fallback
	}
	v, err := strconv.ParseBool(m.text(key))
	if err != nil {
		m.r.fail(n.Line, m.name+key, "must be true or false")
	}
	return v
}

// end refuses the keys that nobody took.
func (m *mapping) end() {
	for _, key := range m.keys {
		if _, left := m.values[key.Value]; left {
			m.r.fail(key.Line, m.name+key.Value, "unknown key")
		}
	}
}

// epochMark stands in for the epoch until it is known. A NUL cannot come from a file.
const epochMark = "\x00epoch\x00"

// expand replaces ${NAME}. Unlike the stock command it leaves a bare $ alone,
// which a password may contain, and refuses a variable that is not set.
func expand(s string, env func(string) string) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || name == "" {
			return "", errors.New("${ without a name and a closing brace")
		}
		switch value := env(name); {
		case name == EnvEpoch:
			out.WriteString(epochMark)
		case value == "":
			return "", fmt.Errorf("the environment variable %s is not set", name)
		default:
			out.WriteString(value)
		}
		s = after
	}
}
