package flags

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
)

// Bounds of a definition: of its JSON, in bytes, and of how deep values nest.
const (
	maxDefinition = 256 << 10
	maxDepth      = 48 // less than the compiler takes: a file of all flags nests deeper
	maxTags       = 20
)

// keyForm is how a flag or a segment may be called (spec/flags.md A4): clients put
// keys into paths without escaping them.
var keyForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// reserved are keys that addresses of the API need.
var reserved = []string{"kill", "import", "export"}

func checkKey(c *web.Check, field, key string) {
	c.Fault(keyForm.MatchString(key) && !strings.Contains(key, ".."), field, "form", "1 to 128 letters, digits, dots, hyphens and underscores; the first a letter or digit, no two dots in a row.")
	c.Fault(!slices.Contains(reserved, key), field, "reserved", "This name is part of an address. Choose another.")
}

// Extension is what a definition says to Seaworthy alone: its member x-seaworthy,
// which flagd accepts and ignores.
type Extension struct {
	OffVariant    string         `json:"offVariant,omitempty"` // served while the flag is killed
	Bucketing     string         `json:"bucketing,omitempty"`  // the algorithm, pinned
	Prerequisites []Prerequisite `json:"prerequisites,omitempty"`
	KillExempt    bool           `json:"killExempt,omitempty"` // the global kill leaves it alone
	Owner         string         `json:"owner,omitempty"`
	Expires       string         `json:"expires,omitempty"` // a day, 2026-12-31, or a time as RFC 3339
	Tags          []string       `json:"tags,omitempty"`
	ClientVisible bool           `json:"clientVisible,omitempty"` // browsers may ask for it
	Killed        bool           `json:"killed,omitempty"`
}

// Prerequisite is a flag that must serve one of some variants.
type Prerequisite struct {
	Flag     string   `json:"flag"`
	Variants []string `json:"variants"`
}

// Variant is a name and its value, as JSON.
type Variant struct{ Name, Value string }

// Definition is a flag object that was read. What it has beyond these parts is
// kept by object.
type Definition struct {
	State     string // ENABLED or DISABLED
	Variants  []Variant
	Default   string // "" for none: the caller's own
	Targeting string // JSON; "" for none
	Extension Extension

	object object
}

const extensionName = "x-seaworthy"

// ReadDefinition reads a flag object. It says nothing of whether its rules can be
// compiled.
func ReadDefinition(raw string) (Definition, error) {
	o, err := parseObject([]byte(raw))
	if err != nil {
		return Definition{}, err
	}
	d := Definition{object: o}
	variants, err := parseObject(orEmpty(o.get("variants")))
	if err != nil {
		return d, errors.New("variants must be an object")
	}
	for _, v := range variants {
		d.Variants = append(d.Variants, Variant{v.name, string(v.value)})
	}
	json.Unmarshal(orNull(o.get("state")), &d.State)            //nolint:errcheck // of another type it is nothing, which the compiler refuses
	json.Unmarshal(orNull(o.get("defaultVariant")), &d.Default) //nolint:errcheck // the same
	if t := o.get("targeting"); len(t) > 0 && t.Kind() != 'n' && string(t) != "{}" {
		d.Targeting = string(t)
	}
	if x := o.get(extensionName); len(x) > 0 {
		if err := json.Unmarshal(x, &d.Extension); err != nil {
			return d, errors.New(extensionName + " does not have the expected form")
		}
	}
	return d, nil
}

func orEmpty(v jsontext.Value) jsontext.Value {
	if len(v) == 0 {
		return jsontext.Value("{}")
	}
	return v
}

func orNull(v jsontext.Value) jsontext.Value {
	if len(v) == 0 {
		return jsontext.Value("null")
	}
	return v
}

// On reports whether the flag's rules are applied: neither disabled nor killed.
func (d Definition) On() bool { return d.State == "ENABLED" && !d.Extension.Killed }

// VariantNames are the names, in their order.
func (d Definition) VariantNames() []string {
	var names []string
	for _, v := range d.Variants {
		names = append(names, v.Name)
	}
	return names
}

// Has reports whether there is a variant of this name.
func (d Definition) Has(variant string) bool { return slices.Contains(d.VariantNames(), variant) }

// expiry is the time after which the flag should be gone; zero for none.
func (x Extension) expiry() (time.Time, error) {
	if x.Expires == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, x.Expires); err == nil {
		return day, nil
	}
	t, err := time.Parse(time.RFC3339, x.Expires)
	if err != nil || t.Year() < 1970 {
		return time.Time{}, errors.New("a day such as 2026-12-31, or a time as RFC 3339 writes it")
	}
	return t.UTC(), nil
}

// withExtension is the definition's object with x-seaworthy changed. Members that
// this program does not know stay.
func (d Definition) withExtension(x Extension) (object, error) {
	was, err := parseObject(orEmpty(d.object.get(extensionName)))
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(x)
	if err != nil {
		return nil, err
	}
	now, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"offVariant", "bucketing", "prerequisites", "killExempt", "owner", "expires", "tags", "clientVisible", "killed"} {
		if was, err = was.with(name, anyOf(now.get(name))); err != nil {
			return nil, err
		}
	}
	if len(was) == 0 {
		return d.object.with(extensionName, nil)
	}
	return d.object.with(extensionName, was)
}

// anyOf is nil for no value, so that with removes the member.
func anyOf(v jsontext.Value) any {
	if len(v) == 0 {
		return nil
	}
	return v
}
