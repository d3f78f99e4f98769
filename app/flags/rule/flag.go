package rule

import (
	"fmt"
	"slices"
	"sort"
)

// Flag is a definition that was compiled.
type Flag struct {
	Key      string
	Client   bool // browsers may ask for it
	exempt   bool
	killed   bool
	disabled bool
	tags     []string
	needs    []need

	names     []string // of the variants, in their order
	values    map[string]variant
	fallback  string // default variant; "" for none: the caller's own
	off       string // variant that is served while it is off; "" for none
	targeting expr   // nil: no rules
	metadata  map[string]any
	fault     *Fault // why it cannot be evaluated; nil: it can

	static Result // what it says when there is nothing to evaluate
	offer  Result // what it says while it is off
	said   said
}

// need is a prerequisite: a flag that must serve one of some variants.
type need struct {
	flag     string
	variants []string
}

// Bucketing is the one algorithm so far. A definition may name it, so that a later
// one never moves anybody.
const Bucketing = "seaworthy"

// CompileFlag compiles a flag object of flagd's JSON. evaluators are the rules that
// it may refer to, by name. On a *Fault the flag is there all the same, and answers
// PARSE_ERROR.
func CompileFlag(key string, definition []byte, evaluators map[string][]byte) (*Flag, error) {
	n, err := read(definition)
	if err != nil {
		return broken(key, &Fault{Message: err.Error()})
	}
	shared := func(name string) (node, bool) {
		raw, ok := evaluators[name]
		if !ok {
			return node{}, false
		}
		n, err := read(raw)
		return n, err == nil // whoever refers to one that cannot be read hears that it is not there
	}
	return compileFlag(key, n, shared, nil)
}

func broken(key string, f *Fault) (*Flag, error) {
	f.Flag = key
	flag := &Flag{Key: key, fault: f}
	flag.static = Result{Key: key, Reason: ReasonError, ErrorCode: ParseError, ErrorDetails: f.Error()}
	return flag, f
}

// compileFlag compiles a flag; inherited is the metadata of its document.
func compileFlag(key string, n node, evaluators func(name string) (node, bool), inherited map[string]any) (*Flag, error) {
	f := &Flag{Key: key, values: map[string]variant{}, metadata: inherited}
	for _, part := range []func(node) *Fault{f.readState, f.readVariants, f.readMetadata, f.readExtension} {
		if fault := part(n); fault != nil {
			return broken(key, fault)
		}
	}
	if t := n.get("targeting"); t.present() && !(t.kind == '{' && len(t.members) == 0) {
		c := &compiler{evaluators: evaluators}
		e, err := c.in("targeting", t)
		if err != nil {
			return broken(key, err.(*Fault))
		}
		f.targeting = e
	}
	if err := f.write(); err != nil {
		return broken(key, &Fault{Message: err.Error()})
	}
	f.static, f.offer = f.answer(f.fallback, ReasonStatic), f.answer(f.off, ReasonStatic)
	if f.fallback == "" {
		f.static = f.without(ReasonDefault)
	}
	if f.off == "" {
		f.offer = f.without(ReasonDisabled)
	}
	return f, nil
}

func (f *Flag) readState(n node) *Fault {
	if n.kind != '{' {
		return &Fault{Message: "a flag is an object"}
	}
	s := n.get("state")
	if s.kind != '"' || s.text != "ENABLED" && s.text != "DISABLED" {
		return &Fault{Path: "state", Message: "state is ENABLED or DISABLED"}
	}
	f.disabled = s.text == "DISABLED"
	return nil
}

func (f *Flag) readVariants(n node) *Fault {
	v := n.get("variants")
	if v.kind != '{' || len(v.members) == 0 {
		return &Fault{Path: "variants", Message: "variants is an object with one at least"}
	}
	kind := kindOf(v.members[0].value)
	for _, m := range v.members {
		if k := kindOf(m.value); k != kind || k == "" {
			return &Fault{Path: "variants/" + m.name, Message: "all variants have values of one type: true or false, texts, numbers, or objects"}
		}
		f.names = append(f.names, m.name)
		f.values[m.name] = variant{value: m.value.value()}
	}
	d := n.get("defaultVariant")
	if !d.present() {
		return nil
	}
	if _, ok := f.values[d.text]; !ok || d.kind != '"' {
		return &Fault{Path: "defaultVariant", Message: fmt.Sprintf("%q is none of the variants", d.text)}
	}
	f.fallback = d.text
	return nil
}

func kindOf(n node) string {
	switch n.kind {
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '0':
		return "number"
	case '{', '[':
		return "object"
	}
	return ""
}

// readMetadata takes what clients are told beside the value: texts, numbers, true and false.
func (f *Flag) readMetadata(n node) *Fault {
	m := n.get("metadata")
	if !m.present() {
		return nil
	}
	all := map[string]any{}
	for k, v := range f.metadata {
		all[k] = v
	}
	for _, e := range m.members {
		switch e.value.kind {
		case 'n':
			continue
		case '{', '[':
			return &Fault{Path: "metadata/" + e.name, Message: "metadata has texts, numbers, true and false"}
		}
		all[e.name] = e.value.value()
	}
	f.metadata = all
	return nil
}

// readExtension takes x-seaworthy, which flagd ignores.
func (f *Flag) readExtension(n node) *Fault {
	x := n.get("x-seaworthy")
	if !x.present() {
		return nil
	}
	f.exempt, f.killed, f.Client = x.get("killExempt").kind == 't', x.get("killed").kind == 't', x.get("clientVisible").kind == 't'
	if o := x.get("offVariant"); o.present() {
		if _, ok := f.values[o.text]; !ok || o.kind != '"' {
			return &Fault{Path: "x-seaworthy/offVariant", Message: fmt.Sprintf("%q is none of the variants", o.text)}
		}
		f.off = o.text
	}
	if b := x.get("bucketing"); b.present() && b.text != Bucketing {
		return &Fault{Path: "x-seaworthy/bucketing", Message: fmt.Sprintf("%q is no algorithm that is known here", b.text)}
	}
	for _, t := range x.get("tags").list {
		f.tags = append(f.tags, t.text)
	}
	sort.Strings(f.tags)
	for _, p := range x.get("prerequisites").list {
		one := need{flag: p.get("flag").text}
		for _, v := range p.get("variants").list {
			one.variants = append(one.variants, v.text)
		}
		if one.flag == "" || len(one.variants) == 0 {
			return &Fault{Path: "x-seaworthy/prerequisites", Message: "a prerequisite names a flag and the variants of it that will do"}
		}
		f.needs = append(f.needs, one)
	}
	return nil
}

// answer is a variant as a result.
func (f *Flag) answer(variant string, why Reason) Result {
	v := f.values[variant]
	return Result{Key: f.Key, Value: v.value, Variant: variant, Reason: why, Metadata: f.metadata, of: f, json: v.json}
}

// without is a result that leaves the value to the caller.
func (f *Flag) without(why Reason) Result {
	return Result{Key: f.Key, Reason: why, Metadata: f.metadata, of: f}
}

// tagged reports whether the flag has one of some tags, which are sorted.
func (f *Flag) tagged(tags []string) bool {
	for _, t := range f.tags {
		if _, ok := slices.BinarySearch(tags, t); ok {
			return true
		}
	}
	return false
}

// Constant reports whether a flag says the same to everybody.
func (f *Flag) Constant() bool { return f.targeting == nil && len(f.needs) == 0 }
