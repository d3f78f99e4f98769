package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of what is read: how deep values nest, and how many there are in the
// rules of a flag, those it refers to among them.
const (
	maxDepth = 64
	maxNodes = 20_000
)

// node is a JSON value with its members in their order.
type node struct {
	kind    jsontext.Kind // n t f " 0 { [
	text    string        // of a string
	number  float64
	list    []node   // of an array
	members []member // of an object
}

type member struct {
	name  string
	value node
}

// get is a member of an object; its kind is 0 if there is none.
func (n node) get(name string) node {
	for _, m := range n.members {
		if m.name == name {
			return m.value
		}
	}
	return node{}
}

func (n node) present() bool { return n.kind != 0 && n.kind != 'n' }

// read reads one JSON value strictly: no name twice, no invalid UTF-8, nothing after it.
func read(raw []byte) (node, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	n, err := readValue(d, 0)
	if err != nil {
		return n, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return n, errors.New("there is something after the value")
	}
	return n, nil
}

func readValue(d *jsontext.Decoder, depth int) (n node, err error) {
	if depth > maxDepth {
		return n, fmt.Errorf("values nest deeper than %d", maxDepth)
	}
	t, err := d.ReadToken()
	if err != nil {
		return n, err
	}
	n.kind = t.Kind()
	switch n.kind {
	case '"':
		n.text = t.String()
	case '0':
		n.number, err = strconv.ParseFloat(t.String(), 64)
	case '[':
		for err == nil && d.PeekKind() != ']' && d.PeekKind() != 0 {
			var v node
			if v, err = readValue(d, depth+1); err == nil {
				n.list = append(n.list, v)
			}
		}
		err = closing(d, err)
	case '{':
		for err == nil && d.PeekKind() != '}' && d.PeekKind() != 0 {
			var name jsontext.Token
			if name, err = d.ReadToken(); err != nil {
				break
			}
			m := member{name: name.String()}
			if m.value, err = readValue(d, depth+1); err == nil {
				n.members = append(n.members, m)
			}
		}
		err = closing(d, err)
	}
	return n, err
}

func closing(d *jsontext.Decoder, err error) error {
	if err == nil {
		_, err = d.ReadToken()
	}
	return err
}

// value is the node as data.
func (n node) value() any {
	switch n.kind {
	case 't':
		return true
	case 'f':
		return false
	case '"':
		return n.text
	case '0':
		return n.number
	case '[':
		all := make([]any, len(n.list))
		for i, v := range n.list {
			all[i] = v.value()
		}
		return all
	case '{':
		all := make(map[string]any, len(n.members))
		for _, m := range n.members {
			all[m.name] = m.value.value()
		}
		return all
	}
	return nil
}
