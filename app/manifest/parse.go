package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"seaworthy/app/web"
)

// Bounds of a file: its size in bytes, how deep it nests, and how many things a section has.
const (
	MaxFile  = 4 << 20
	maxDepth = 64
	maxItems = 5000
)

// Parse reads a file for these parts. Unknown and doubled keys are refused with their line,
// and so is what YAML can mean in more than one way: anchors, merged mappings, tags of
// one's own, several documents.
func Parse(raw []byte, parts []Part) (*File, error) {
	if len(raw) > MaxFile {
		return nil, &web.Error{Status: 413, Code: "too_large", Public: fmt.Sprintf("The file is larger than the %d bytes taken here.", MaxFile)}
	}
	sum := sha256.Sum256(raw)
	f := &File{Hash: hex.EncodeToString(sum[:]), sections: map[string]*Section{}}
	top, err := document(raw)
	if err != nil || top == nil {
		return f, err
	}
	c := converter{lines: map[string]int{}}
	pairs, err := c.pairs(top, "")
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		if p.key.Value == "version" {
			if p.value.Value != "1" {
				return nil, fault(p.value.Line, "version", "unknown", "This is a file of a version that is not known here; 1 is.")
			}
			continue
		}
		i := slices.IndexFunc(parts, func(part Part) bool { return part.Name == p.key.Value })
		if i < 0 {
			var names []string
			for _, part := range parts {
				names = append(names, part.Name)
			}
			return nil, fault(p.key.Line, web.CleanText(p.key.Value, 64), "unknown", "There is no such section. There are "+strings.Join(names, ", ")+".")
		}
		section, err := c.section(parts[i], p)
		if err != nil {
			return nil, err
		}
		f.sections[section.Name] = section
	}
	return f, nil
}

// document is the root of the one document; nil for an empty file.
func document(raw []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, more yaml.Node
	err := d.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, syntax(err)
	}
	switch err := d.Decode(&more); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, syntax(err)
	default:
		return nil, fault(more.Line, "", "documents", "There is a second document. Write one.")
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind == yaml.ScalarNode && doc.Content[0].ShortTag() == "!!null" {
		return nil, nil
	}
	return doc.Content[0], nil
}

// syntax is what the reader of YAML says, whose first words are its own name.
func syntax(err error) error {
	text, line := web.CleanText(strings.TrimPrefix(err.Error(), "yaml: "), 200), 1
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		number, words, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, text = n, words
		}
	}
	return fault(line, "", "yaml", "This is not YAML: "+text+".")
}

func fault(line int, path, code, message string) error {
	return &web.Error{Status: 422, Code: "manifest", Public: words(1), Fields: []web.Field{{Field: path, Code: code, Message: at(line, message)}}}
}

// section reads one section, whose keys are prune and what its shape has.
func (c *converter) section(part Part, p pair) (*Section, error) {
	s := &Section{Name: part.Name, Line: p.key.Line}
	if null(p.value) { // it says that the file has the say over it, and asks for nothing
		if part.Shape == Single {
			s.Items = []Item{{JSON: []byte("{}"), Line: s.Line, path: part.Name, lines: c.lines}}
		}
		return s, nil
	}
	pairs, err := c.pairs(p.value, part.Name)
	if err != nil {
		return nil, err
	}
	rest := pairs[:0:0]
	for _, q := range pairs {
		if q.key.Value != "prune" {
			rest = append(rest, q)
			continue
		}
		if q.value.ShortTag() != "!!bool" || q.value.Decode(&s.Prune) != nil {
			return nil, fault(q.value.Line, part.Name+".prune", "type", "Expected true or false here.")
		}
	}
	if part.Shape == Single {
		raw, err := c.object(rest, part.Name, 1)
		s.Items = []Item{{JSON: raw, Line: p.key.Line, path: part.Name, lines: c.lines}}
		return s, err
	}
	list := "items"
	if part.Shape == Listed {
		list = part.List
	}
	for _, q := range rest {
		if q.key.Value != list {
			return nil, fault(q.key.Line, part.Name+"."+web.CleanText(q.key.Value, 64), "unknown", "This key is not known here. A section has prune and "+list+".")
		}
		if err := c.items(s, part, list, q.value); err != nil {
			return nil, err
		}
	}
	if len(s.Items) > maxItems {
		return nil, fault(p.key.Line, part.Name, "too_many", fmt.Sprintf("At most %d.", maxItems))
	}
	return s, nil
}

func (c *converter) items(s *Section, part Part, list string, n *yaml.Node) error {
	if null(n) {
		return nil
	}
	add := func(name, key string, line int, value *yaml.Node) error {
		path := part.Name + "." + list + "." + key
		raw, err := c.value(value, path, 3)
		s.Items = append(s.Items, Item{Name: name, JSON: raw, Line: line, path: path, lines: c.lines})
		return err
	}
	if part.Shape == Listed {
		if n.Kind != yaml.SequenceNode || n.Anchor != "" {
			return fault(n.Line, part.Name+"."+list, "type", "Expected a list here.")
		}
		for i, one := range n.Content {
			if err := add("", strconv.Itoa(i), one.Line, one); err != nil {
				return err
			}
		}
		return nil
	}
	pairs, err := c.pairs(n, part.Name+"."+list)
	if err != nil {
		return err
	}
	for _, q := range pairs {
		if err := add(q.key.Value, web.CleanText(q.key.Value, 128), q.key.Line, q.value); err != nil {
			return err
		}
	}
	return nil
}

func null(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" && n.Anchor == ""
}
