package sentry

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Message is what was said: the text as people read it, and the template it was made from,
// if that is known.
type Message struct{ Text, Template string }

// UnmarshalJSONFrom implements json.UnmarshalerFrom: a string, or an object with both.
func (m *Message) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	*m = Message{}
	if raw.Kind() != '{' {
		var t Text
		err := json.Unmarshal(raw, &t, lenient)
		m.Text = string(t)
		return err
	}
	var in struct {
		Formatted Text `json:"formatted"`
		Message   Text `json:"message"`
	}
	if err := json.Unmarshal(raw, &in, lenient); err != nil {
		return err
	}
	m.Text, m.Template = string(in.Formatted), string(in.Message)
	if m.Text == "" {
		m.Text = m.Template
	}
	return nil
}
