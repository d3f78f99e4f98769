package sentry

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Text is a string, or what an SDK writes in place of one: a number, a truth, null.
// Anything else is kept as JSON.
type Text string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *Text) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch raw.Kind() {
	case 'n':
		*t = ""
	case '"':
		text, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return err
		}
		*t = Text(strings.ReplaceAll(string(text), "\x00", ""))
	default:
		*t = Text(raw)
	}
	return nil
}

// Stamp is a time, as seconds since 1970 or as RFC 3339; zero for what is neither.
type Stamp struct{ time.Time }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *Stamp) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	s.Time = time.Time{}
	switch raw.Kind() {
	case '0':
		var f float64
		if json.Unmarshal(raw, &f) == nil && f > 0 && f < 1e11 {
			whole, part := math.Modf(f)
			s.Time = time.Unix(int64(whole), int64(part*1e9)).UTC()
		}
	case '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
		for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} { // old SDKs leave out the zone, which is UTC
			if at, err := time.Parse(form, text); err == nil {
				s.Time = at.UTC()
				return nil
			}
		}
	}
	return nil
}

// Values is a list, bare or as {"values": […]}; what is neither is empty. Entries that are
// null are left out, and of too many those that come first: the innermost call is the last.
type Values[T any] []T

// most is how many entries a list of them keeps. A megabyte of "{}," would be a hundred of them in
// memory.
func most(one any) int {
	if _, chain := one.(Exception); chain {
		return 50
	}
	return 1000
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (v *Values[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	*v = nil
	if raw.Kind() == '{' {
		var in struct {
			Values jsontext.Value `json:"values"`
		}
		if err := json.Unmarshal(raw, &in, lenient); err != nil {
			return err
		}
		raw = in.Values
	}
	if len(raw) == 0 || raw.Kind() != '[' {
		return nil
	}
	n := 0
	if err := entries(raw, func(jsontext.Value) { n++ }); err != nil {
		return err
	}
	return entries(raw, func(entry jsontext.Value) {
		var one T
		if n--; n < most(one) && entry.Kind() != 'n' && json.Unmarshal(entry, &one, lenient) == nil {
			*v = append(*v, one)
		}
	})
}

// entries calls fn with each entry of a list, which is fn's until it returns.
func entries(list jsontext.Value, fn func(jsontext.Value)) error {
	d := jsontext.NewDecoder(bytes.NewReader(list), lenient)
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		entry, err := d.ReadValue()
		if err != nil {
			return err
		}
		fn(entry)
	}
	return nil
}

// Pairs are names with values: an object, or a list of pairs.
type Pairs map[string]string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (p *Pairs) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	*p = nil
	switch raw.Kind() {
	case '{':
		var m map[string]Text
		if err := json.Unmarshal(raw, &m, lenient); err != nil {
			return err
		}
		for k, v := range m {
			p.add(k, string(v))
		}
	case '[':
		var list []jsontext.Value
		if err := json.Unmarshal(raw, &list, lenient); err != nil {
			return err
		}
		for _, one := range list {
			var pair []Text
			if json.Unmarshal(one, &pair, lenient) == nil && len(pair) == 2 {
				p.add(string(pair[0]), string(pair[1]))
			}
		}
	}
	return nil
}

// maxPairs bounds how many names an event may have in one place.
const maxPairs = 100

func (p *Pairs) add(k, v string) {
	if *p == nil {
		*p = Pairs{}
	}
	if k != "" && v != "" && len(*p) < maxPairs {
		(*p)[k] = v
	}
}

// Object is any JSON object; what is none is empty.
type Object jsontext.Value

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *Object) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	raw, err := d.ReadValue()
	if err != nil {
		return fmt.Errorf("object: %w", err)
	}
	*o = nil
	if raw.Kind() == '{' && len(raw) > 2 {
		*o = Object(raw.Clone())
	}
	return nil
}
