package stripesim

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math/big"
	"strings"
)

// object is one thing of the API as its JSON has it, and no struct: every field has to be
// shown as Stripe shows it, null ones too, and most are never looked at here. Names that
// begin with an underscore are the simulator's own and are never shown. What refers to
// another object holds its id.
type object map[string]any

func (o object) str(name string) string { v, _ := o[name].(string); return v }
func (o object) yes(name string) bool   { v, _ := o[name].(bool); return v }

// num reads a whole number: those from its file come as float64, which holds all
// amounts and times there are.
func (o object) num(name string) int64 {
	switch v := o[name].(type) {
	case int64:
		return v
	case int:
		return int64(v)
	case float64:
		return int64(v)
	}
	return 0
}

// sub is an object within; never nil.
func (o object) sub(name string) object {
	switch v := o[name].(type) {
	case object:
		return v
	case map[string]any:
		return v
	}
	return object{}
}

// rows are the objects of a list within, or of an array.
func (o object) rows(name string) []object {
	var all []any
	switch v := o[name].(type) {
	case []any:
		all = v
	default:
		all, _ = o.sub(name)["data"].([]any)
	}
	found := make([]object, 0, len(all))
	for _, one := range all {
		switch one := one.(type) {
		case object:
			found = append(found, one)
		case map[string]any:
			found = append(found, one)
		}
	}
	return found
}

// listOf is a list object.
func listOf(url string, rows []object) object {
	data := make([]any, len(rows))
	for i, r := range rows {
		data[i] = r
	}
	return object{"object": "list", "data": data, "has_more": false, "url": url}
}

// deep copies an object with all that is in it.
func deep(v any) any {
	switch v := v.(type) {
	case object:
		c := make(object, len(v))
		for k, e := range v {
			c[k] = deep(e)
		}
		return c
	case map[string]any:
		return deep(object(v))
	case []any:
		c := make([]any, len(v))
		for i, e := range v {
			c[i] = deep(e)
		}
		return c
	}
	return v
}

// newID makes an id from the seed and the number of objects made so far, so that a test
// sees the same ones each time. They look like Stripe's, by their prefix and length.
func (s *Sim) newID(prefix string) string {
	s.seq++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, s.o.Seed), uint64(s.seq)))
	const digits = 24
	text := new(big.Int).SetBytes(sum[:]).Text(62)
	return prefix + "_" + text[len(text)-digits:]
}

// make adds an object with the fields that all have.
func (s *Sim) make(kind, prefix string, fields object) object {
	o := object{"id": s.newID(prefix), "object": kind, "livemode": false, "created": s.now().Unix()}
	maps.Copy(o, fields)
	o["_seq"] = s.seq
	return s.put(o)
}

// put adds an object, or takes the place of the one with its id.
func (s *Sim) put(o object) object {
	s.remember(o.str("id"))
	s.objects[o.str("id")] = o
	return o
}

// edit is an object that may be changed in place until the running change ends.
func (s *Sim) edit(id string) object {
	o := s.objects[id]
	if o == nil {
		return nil
	}
	if _, touched := s.undo[id]; touched {
		return o
	}
	return s.put(deep(o).(object))
}

func (s *Sim) remove(id string) {
	s.remember(id)
	delete(s.objects, id)
}

// remember keeps an object as it was before the running change, the first time it is
// touched; nil for one that is new.
func (s *Sim) remember(id string) {
	if _, known := s.undo[id]; !known {
		s.undo[id] = s.objects[id]
	}
}

// show is an object as it is answered: without what is the simulator's own, and with
// the paths of expand followed (docs.stripe.com/expand).
func (s *Sim) show(o object, expand ...string) object {
	shown := visible(o).(object)
	for _, path := range expand {
		s.expand(shown, strings.Split(path, "."))
	}
	return shown
}

// visible copies what is shown of a value, so that an answer and an event stay as they were
// whatever becomes of the object.
func visible(v any) any {
	switch v := v.(type) {
	case object:
		c := make(object, len(v))
		for k, e := range v {
			if !strings.HasPrefix(k, "_") {
				c[k] = visible(e)
			}
		}
		return c
	case map[string]any:
		return visible(object(v))
	case []any:
		c := make([]any, len(v))
		for i, e := range v {
			c[i] = visible(e)
		}
		return c
	}
	return v
}

// expand puts objects in the place of their ids along a path, within lists as well.
func (s *Sim) expand(v any, path []string) {
	if len(path) == 0 {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s.expand(e, path)
		}
	case object:
		if id, ok := v[path[0]].(string); ok && s.objects[id] != nil {
			v[path[0]] = visible(s.objects[id])
		}
		s.expand(v[path[0]], path[1:])
	}
}
