package flags

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Bounds of a file that is imported: its size in bytes, and how many flags and
// segments it has.
const (
	maxImport      = 4 << 20
	maxImportFlags = 2000
)

// Imported is what came, or would come, of one flag or segment of a file.
type Imported struct {
	Kind  string `json:"kind"` // flag or segment
	Name  string `json:"name"`
	Act   string `json:"act"`             // created changed unchanged
	Fault string `json:"fault,omitempty"` // it is stored, and answers PARSE_ERROR until it is mended
}

// bundle is a file in flagd's format.
type bundle struct {
	flags, evaluators object
}

// readBundle reads a file, strictly.
func readBundle(raw []byte) (b bundle, err error) {
	if len(raw) > maxImport {
		return b, &web.Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Public: fmt.Sprintf("The file is larger than the %d bytes taken here.", maxImport)}
	}
	fault := func(code, message string) (bundle, error) {
		return bundle{}, web.Invalid(web.Field{Field: "file", Code: code, Message: message})
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	for err := error(nil); err == nil; _, err = d.ReadToken() { // what is malformed is told of below
		if d.StackDepth() > maxDepth {
			return fault("too_deep", fmt.Sprintf("The file nests deeper than %d levels, at %s.", maxDepth, web.CleanText(string(d.StackPointer()), 200)))
		}
	}
	top, err := parseObject(raw)
	if err != nil {
		return fault("json", "This is not a JSON object without duplicate names: "+web.CleanText(strings.TrimPrefix(err.Error(), "jsontext: "), 200)+".")
	}
	if b.flags, err = parseObject(orEmpty(top.get("flags"))); err != nil {
		return fault("form", `"flags" is not an object.`)
	}
	if b.evaluators, err = parseObject(orEmpty(top.get("$evaluators"))); err != nil {
		return fault("form", `"$evaluators" is not an object.`)
	}
	switch n := len(b.flags) + len(b.evaluators); {
	case n == 0:
		return fault("empty", `There is nothing in it: flags stand in "flags", by their key.`)
	case n > maxImportFlags:
		return fault("too_many", fmt.Sprintf("At most %d flags and segments at once.", maxImportFlags))
	}
	return b, nil
}

// plannedFlag is a flag of a file as it is to be stored.
type plannedFlag struct {
	key        string
	definition string
	d          Definition
	fault      string
}

// Import takes flags and segments from a file in flagd's format: what is new is
// made, what is there gets another version, what the file does not have stays. A
// flag that cannot be evaluated is kept as it is and answers PARSE_ERROR; the others
// work. Flags that need each other in a circle are refused. All of it is one
// transaction. A trial stores nothing.
func (s *System) Import(ctx context.Context, raw []byte, trial bool) ([]Imported, error) {
	b, err := readBundle(raw)
	if err != nil {
		return nil, err
	}
	var c web.Check
	for _, m := range b.flags {
		checkKey(&c, "file", m.name)
	}
	for _, m := range b.evaluators {
		checkKey(&c, "file", m.name)
		c.Fault(m.value.Kind() == '{', "file", "form", "The segment "+web.CleanText(m.name, 100)+" is not a rule.")
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	planned, err := s.plan(ctx, b)
	if err != nil {
		return nil, err
	}
	run := store.Write[[]Imported]
	if trial {
		run = store.Read[[]Imported]
	}
	all, err := run(ctx, s.DB, func(tx *store.Tx) ([]Imported, error) { return s.take(tx, b, planned, trial) })
	if err != nil || trial {
		return all, err
	}
	return all, s.refresh(ctx)
}

// take stores what was read; a trial only says what would be.
func (s *System) take(tx *store.Tx, b bundle, planned []plannedFlag, trial bool) ([]Imported, error) {
	if err := refuseCycles(tx, planned); err != nil {
		return nil, err
	}
	all := []Imported{}
	for _, m := range b.evaluators {
		act, err := s.takeSegment(tx, m, trial)
		if err != nil {
			return nil, err
		}
		all = append(all, Imported{Kind: "segment", Name: m.name, Act: act})
	}
	for _, p := range planned {
		act, err := s.takeFlag(tx, p, trial)
		if err != nil {
			return nil, err
		}
		all = append(all, Imported{"flag", p.key, act, p.fault})
	}
	if trial {
		return all, nil
	}
	counts := map[string]any{}
	for _, one := range all {
		n, _ := counts[one.Kind+"s_"+one.Act].(int)
		counts[one.Kind+"s_"+one.Act] = n + 1
		if one.Fault != "" {
			n, _ := counts["faulty"].(int)
			counts["faulty"] = n + 1
		}
	}
	return all, s.Audit.Record(tx, audit.Event{Action: actImported, Targets: []audit.Ref{{Type: "flags", ID: "import"}}, Details: counts})
}

// refuseCycles holds the flags of a file, with those that are there, to needing each other in no circle.
func refuseCycles(tx *store.Tx, planned []plannedFlag) error {
	there, wanted := stored(tx), map[node][]node{}
	for _, p := range planned {
		wanted[node{ofFlag, p.key}] = p.d.references()
	}
	then := func(n node) ([]node, error) {
		if to, ok := wanted[n]; ok {
			return to, nil
		}
		return there(n)
	}
	for _, p := range planned {
		from := node{ofFlag, p.key}
		if err := refuseCycle(then, from, wanted[from], "file"); err != nil {
			return err
		}
	}
	return nil
}

func (s *System) takeSegment(tx *store.Tx, m member, trial bool) (string, error) {
	rule := m.value.Clone()
	if err := rule.Compact(); err != nil {
		return "", err
	}
	was, err := SegmentByName(tx, m.name)
	fresh := isNotFound(err)
	if err != nil && !fresh {
		return "", err
	}
	act := "changed"
	switch {
	case fresh:
		act = "created"
	case was.Rule == string(rule):
		return "unchanged", nil
	}
	if trial {
		return act, nil
	}
	now := Segment{Name: m.name, Rule: string(rule), About: was.About, Created: tx.Now(), Changed: tx.Now()}
	if now.Version, err = nextVersion(tx, m.name); err != nil {
		return "", err
	}
	if err := putSegment(tx, now, fresh); err != nil {
		return "", err
	}
	if err := insertSegmentVersion(tx, m.name, Version{Number: now.Version, Act: "imported", Definition: now.Rule, By: by(tx), At: tx.Now()}); err != nil {
		return "", err
	}
	if err := setReferences(tx, node{ofEvaluator, m.name}, segmentsIn(now.Rule)); err != nil {
		return "", err
	}
	return act, s.touchUsers(tx, m.name)
}

func (s *System) takeFlag(tx *store.Tx, p plannedFlag, trial bool) (string, error) {
	was, err := FlagByKey(tx, p.key)
	fresh := isNotFound(err)
	if err != nil && !fresh {
		return "", err
	}
	act := "changed"
	switch {
	case fresh:
		act = "created"
	case was.Definition == p.definition && was.State != Archived:
		return "unchanged", nil
	}
	if trial {
		return act, nil
	}
	now := Flag{Key: p.key, Definition: p.definition, Version: was.Version + 1, State: p.d.stateOf(), Owner: web.CleanText(p.d.Extension.Owner, 100), Created: was.Created, Changed: tx.Now()}
	if now.Expires, err = p.d.Extension.expiry(); p.fault != "" || err != nil {
		now.State = Faulty
	}
	put := updateFlag
	if fresh {
		put, now.Created = insertFlag, tx.Now()
	}
	if err := put(tx, now); err != nil {
		return "", err
	}
	if err := insertVersion(tx, p.key, Version{Number: now.Version, Act: "imported", Definition: now.Definition, By: by(tx), At: tx.Now()}); err != nil {
		return "", err
	}
	s.touched(tx, p.key)
	return act, setReferences(tx, node{ofFlag, p.key}, p.d.references())
}

// Export is all that is evaluated, in flagd's format.
func (s *System) Export(ctx context.Context) ([]byte, error) {
	return store.Read(ctx, s.DB, Document)
}

// Document is all that is evaluated, in flagd's format.
func Document(tx *store.Tx) ([]byte, error) { return document(tx, nil) }

// document is a file in flagd's format of all flags and segments. override may
// change a definition on its way.
func document(tx *store.Tx, override func(Flag) (string, error)) ([]byte, error) {
	flags, evaluators := object{}, object{}
	segments, err := Segments(tx)
	if err != nil {
		return nil, err
	}
	for _, s := range segments {
		evaluators = append(evaluators, member{s.Name, []byte(s.Rule)})
	}
	err = eachLive(tx, func(f Flag) error {
		definition := f.Definition
		if override != nil {
			if with, err := override(f); err == nil { // else it has a fault of its own, which is told of
				definition = with
			}
		}
		flags = append(flags, member{f.Key, []byte(definition)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	top := object{}
	if top, err = top.with("$schema", "https://flagd.dev/schema/v0/flags.json"); err != nil {
		return nil, err
	}
	if top, err = top.with("flags", flags); err != nil {
		return nil, err
	}
	if len(evaluators) > 0 {
		if top, err = top.with("$evaluators", evaluators); err != nil {
			return nil, err
		}
	}
	return top.MarshalJSON()
}
