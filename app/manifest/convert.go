package manifest

import (
	"bytes"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"gopkg.in/yaml.v3"

	"seaworthy/app/web"
)

// converter makes JSON of YAML and remembers in which line what stands, so that a section
// is read by the same strict code as the body of a request.
type converter struct{ lines map[string]int }

type pair struct{ key, value *yaml.Node }

// pairs are the members of a mapping, in their order.
func (c *converter) pairs(n *yaml.Node, path string) ([]pair, error) {
	if err := plain(n, path); err != nil {
		return nil, err
	}
	if n.Kind != yaml.MappingNode {
		return nil, fault(n.Line, path, "type", "Expected keys with values here.")
	}
	seen := map[string]int{}
	var all []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if err := plain(key, path); err != nil {
			return nil, err
		}
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" || key.ShortTag() == "!!null" {
			return nil, fault(key.Line, path, "key", "A key is a plain word here.")
		}
		// Readers of YAML take the last of two; people believe the first that they find.
		if first, twice := seen[key.Value]; twice {
			return nil, fault(key.Line, join(path, key.Value), "duplicate", "This key stands in line "+strconv.Itoa(first)+" already.")
		}
		seen[key.Value] = key.Line
		c.lines[join(path, key.Value)] = key.Line
		all = append(all, pair{key, n.Content[i+1]})
	}
	return all, nil
}

func join(path, key string) string {
	key = web.CleanText(key, 128)
	if path == "" {
		return key
	}
	return path + "." + key
}

// plain refuses what repeats or changes other parts of the file.
func plain(n *yaml.Node, path string) error {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return fault(n.Line, path, "anchor", "Anchors (& and *) are not taken here. Write it out.")
	}
	return nil
}

func (c *converter) value(n *yaml.Node, path string, depth int) ([]byte, error) {
	if err := plain(n, path); err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fault(n.Line, path, "too_deep", "This nests too deep.")
	}
	switch n.Kind {
	case yaml.MappingNode:
		pairs, err := c.pairs(n, path)
		if err != nil {
			return nil, err
		}
		return c.object(pairs, path, depth)
	case yaml.SequenceNode:
		return c.array(n.Content, path, depth)
	}
	return scalar(n, path)
}

func (c *converter) object(pairs []pair, path string, depth int) ([]byte, error) {
	out := []byte{'{'}
	for i, p := range pairs {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := jsontext.AppendQuote(nil, p.key.Value)
		if err != nil {
			return nil, fault(p.key.Line, path, "encoding", "This is not valid text.")
		}
		raw, err := c.value(p.value, join(path, p.key.Value), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), raw...)
	}
	return append(out, '}'), nil
}

func (c *converter) array(items []*yaml.Node, path string, depth int) ([]byte, error) {
	out := []byte{'['}
	for i, one := range items {
		if i > 0 {
			out = append(out, ',')
		}
		at := join(path, strconv.Itoa(i))
		c.lines[at] = one.Line
		raw, err := c.value(one, at, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, raw...)
	}
	return append(out, ']'), nil
}

// scalar is a single value by the core schema. A day or time is the text that it is.
func scalar(n *yaml.Node, path string) ([]byte, error) {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return []byte("null"), nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return nil, fault(n.Line, path, "type", "Expected true or false here.")
		}
		return strconv.AppendBool(nil, b), nil
	case "!!int", "!!float":
		return number(n, path)
	case "!!str", "!!timestamp":
		raw, err := jsontext.AppendQuote(nil, n.Value)
		if err != nil {
			return nil, fault(n.Line, path, "encoding", "This is not valid text.")
		}
		return raw, nil
	}
	return nil, fault(n.Line, path, "tag", "Tags (!) are not taken here.")
}

// number keeps a number as it is written wherever JSON would write it so too.
func number(n *yaml.Node, path string) ([]byte, error) {
	raw := jsontext.Value(n.Value)
	if raw.IsValid() && raw.Kind() == '0' && len(bytes.TrimSpace(raw)) == len(raw) {
		return raw, nil
	}
	var whole int64
	if n.ShortTag() == "!!int" && n.Decode(&whole) == nil {
		return strconv.AppendInt(nil, whole, 10), nil
	}
	var f float64
	if err := n.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, fault(n.Line, path, "type", "This is no number that can be kept.")
	}
	return strconv.AppendFloat(nil, f, 'g', -1, 64), nil
}
