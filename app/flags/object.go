package flags

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object whose members keep their order, because the order of
// variants and of whatever a newer flagd knows must survive an edit.
type object []member

type member struct {
	name  string
	value jsontext.Value
}

// parseObject reads one JSON object and nothing after it, without duplicate names, in UTF-8.
func parseObject(raw []byte) (object, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	if first, err := d.ReadToken(); err != nil || first.Kind() != '{' {
		return nil, errors.New("expected a JSON object")
	}
	o := object{}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		o = append(o, member{key, bytes.Clone(value)})
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something after the object")
	}
	return o, nil
}

// get is a member's value, nil without it.
func (o object) get(name string) jsontext.Value {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// with is the object with a member set to v, at its place or at the end; nil
// removes it. The object itself stays as it is.
func (o object) with(name string, v any) (object, error) {
	out := make(object, 0, len(o)+1)
	var value jsontext.Value
	if v != nil {
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		value = raw
	}
	found := false
	for _, m := range o {
		if m.name == name {
			if found = true; value == nil {
				continue
			}
			m.value = value
		}
		out = append(out, m)
	}
	if !found && value != nil {
		out = append(out, member{name, value})
	}
	return out, nil
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := jsontext.AppendQuote(nil, m.name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// compact is the object as it is stored.
func (o object) compact() (string, error) {
	raw, err := o.MarshalJSON()
	if err != nil {
		return "", err
	}
	v := jsontext.Value(raw)
	if err := v.Compact(); err != nil {
		return "", err
	}
	return string(v), nil
}

// pretty is JSON as people read it; what is no JSON stays as it is.
func pretty(raw string) string {
	v := jsontext.Value(raw).Clone()
	if v.Indent(jsontext.WithIndent("  ")) != nil {
		return raw
	}
	return string(v)
}
