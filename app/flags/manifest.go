package flags

import (
	"context"
	"errors"

	"seaworthy/app/flags/rule"
	"seaworthy/app/manifest"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Parts are the sections of seaworthy.yml with segments and flags, flags as flagd writes
// them. What is killed stays killed, unless the file itself says killed: it is switched by
// hand when something burns, and a restart must not switch it back.
func (s *System) Parts() []manifest.Part {
	return []manifest.Part{
		{Name: "segments", Noun: "segment", Manage: permManage, Read: permRead, Page: "/-/admin/flags/-/segments", Prepare: s.prepareSegments, State: segmentsState},
		{Name: "flags", Noun: "flag", Manage: permManage, Read: permRead, Page: "/-/admin/flags", Prepare: s.prepareFlags, State: flagsState, After: s.refresh},
	}
}

func prefixed(field string, err error) error {
	if err == nil {
		return nil
	}
	e := *web.AsError(err)
	if e.Status >= 500 {
		return err
	}
	e.Fields = []web.Field{{Field: field, Code: e.Code, Message: e.Public}}
	return &e
}

// needsFirst orders things so that each comes behind those of them that it needs.
func needsFirst[T any](all []T, name func(T) string, needs func(T) []node) []T {
	byName, done := map[string]T{}, map[string]bool{}
	for _, one := range all {
		byName[name(one)] = one
	}
	out := make([]T, 0, len(all))
	var visit func(T)
	visit = func(one T) {
		if done[name(one)] {
			return
		}
		done[name(one)] = true // a circle is found when it is stored
		for _, n := range needs(one) {
			if other, there := byName[n.name]; there && n.kind != ofTag {
				visit(other)
			}
		}
		out = append(out, one)
	}
	for _, one := range all {
		visit(one)
	}
	return out
}

// wantedFlag is a flag of a file, with what it will be.
type wantedFlag struct {
	was, now Flag
	d        Definition
	e        edit
	it       manifest.Item
}

func (s *System) prepareFlags(ctx context.Context, f *manifest.File) (manifest.Act, error) {
	section := f.Section("flags")
	segments, err := readSegmentItems(f.Section("segments"))
	if err != nil {
		return manifest.Act{}, nil //nolint:nilerr // its own section tells of it
	}
	rules := s.segmentsWith(segments)
	var wanted []wantedFlag
	var faults []error
	for _, it := range section.Items {
		w, change, err := s.wantFlag(ctx, it, rules)
		faults = append(faults, it.Fault(err))
		if change {
			wanted = append(wanted, w)
		}
	}
	if err := manifest.Join(faults); err != nil {
		return manifest.Act{}, err
	}
	wanted = needsFirst(wanted, func(w wantedFlag) string { return w.now.Key }, func(w wantedFlag) (needs []node) {
		for _, n := range w.d.references() {
			if n.kind == ofFlag {
				needs = append(needs, n)
			}
		}
		return needs
	})
	act := manifest.Act{Put: func(tx *store.Tx, _ *manifest.Report) error {
		for _, w := range wanted {
			_, err := s.write(tx, w.was, w.now, w.e, w.e.event(w.was, w.now))
			if errors.Is(err, errMoved) {
				return store.ErrConflict // whoever applies looks again
			}
			if err != nil {
				return w.it.Fault(err)
			}
		}
		return nil
	}}
	if section.Prune {
		act.Prune = func(tx *store.Tx, _ *manifest.Report) error { return s.pruneFlags(tx, section.Names()) }
	}
	return act, nil
}

// wantFlag is what a flag of a file will be, checked and compiled, and whether that is a change.
func (s *System) wantFlag(ctx context.Context, it manifest.Item, segments map[string][]byte) (w wantedFlag, change bool, err error) {
	var c web.Check
	checkKey(&c, "", it.Name)
	if err := c.Err(); err != nil {
		return w, false, err
	}
	was, err := s.read(ctx, it.Name)
	missing := isNotFound(err)
	if err != nil && !missing {
		return w, false, err
	}
	d, err := checkDefinition(string(it.JSON))
	if err != nil {
		return w, false, err
	}
	definition, err := stillKilled(d, was)
	if err != nil {
		return w, false, err
	}
	if d, err = checkDefinition(definition); err != nil {
		return w, false, err
	}
	if _, err := rule.CompileFlag(it.Name, []byte(definition), segments); err != nil {
		return w, false, faulty(err)
	}
	e := edit{act: "changed", version: AnyVersion, comment: "seaworthy.yml"}
	if was.State == Archived {
		e.act = "unarchived"
	}
	w = wantedFlag{was: was, now: was, d: d, e: e.named(missing), it: it}
	w.now.Key, w.now.Version, w.now.State, w.now.Owner, w.now.Definition = it.Name, was.Version+1, d.stateOf(), d.Extension.Owner, definition
	w.now.Expires, _ = d.Extension.expiry() // checked
	return w, missing || was.State == Archived || d.Extension.Killed != (was.State == Killed) || steady(was.Definition) != steady(definition), nil
}

// stillKilled is a definition of a file, killed if the flag is, unless the file says.
func stillKilled(d Definition, was Flag) (string, error) {
	said, err := parseObject(orEmpty(d.object.get(extensionName)))
	if err != nil {
		return "", err
	}
	o := d.object
	if was.State == Killed && len(said.get("killed")) == 0 {
		x, err := said.with("killed", true)
		if err == nil {
			o, err = o.with(extensionName, x)
		}
		if err != nil {
			return "", err
		}
	}
	return o.compact()
}

// pruneFlags archives the flags that a file does not have, those that need others first.
func (s *System) pruneFlags(tx *store.Tx, kept map[string]bool) error {
	var gone []wantedFlag
	err := eachLive(tx, func(f Flag) error {
		if !kept[f.Key] {
			d, _ := ReadDefinition(f.Definition) // of a faulty one what can be read
			gone = append(gone, wantedFlag{was: f, d: d})
		}
		return nil
	})
	if err != nil {
		return err
	}
	gone = needsFirst(gone, func(w wantedFlag) string { return w.was.Key }, func(w wantedFlag) []node { return w.d.references() })
	for i := len(gone) - 1; i >= 0; i-- {
		was := gone[i].was
		now := was
		now.Version++
		e := edit{act: "archived", comment: "seaworthy.yml", and: func(tx *store.Tx) error { return refuseNeeded(tx, node{ofFlag, was.Key}, "The flag "+was.Key) }}
		if _, err := s.write(tx, was, now, e, e.event(was, now)); err != nil {
			return prefixed("flags", err)
		}
	}
	return nil
}

// flagsState are the flags that are evaluated. What is switched by hand when something
// burns is no part of it.
func flagsState(tx *store.Tx) (all []manifest.Entry, err error) {
	err = eachLive(tx, func(f Flag) error {
		all = append(all, manifest.Entry{Name: f.Key, JSON: []byte(steady(f.Definition))})
		return nil
	})
	return all, err
}

// steady is a definition as files have it: without what is switched by hand when something
// burns, and without members that say what would be so without them.
func steady(definition string) string {
	o, err := parseObject([]byte(definition))
	if err != nil {
		return definition
	}
	x, err := parseObject(orEmpty(o.get(extensionName)))
	if err != nil {
		return manifest.Normal(definition)
	}
	said := x[:0:0]
	for _, m := range x {
		if v := string(m.value); m.name != "killed" && v != "false" && v != `""` && v != "[]" && v != "null" {
			said = append(said, m)
		}
	}
	var with any = said
	if len(said) == 0 {
		with = nil
	}
	if o, err = o.with(extensionName, with); err == nil {
		definition, err = o.compact()
	}
	if err != nil {
		return definition
	}
	return manifest.Normal(definition)
}

// Keys are the keys of the flags that are evaluated, for rules that name them.
func Keys(tx *store.Tx) (keys []string, err error) {
	err = eachLive(tx, func(f Flag) error {
		keys = append(keys, f.Key)
		return nil
	})
	return keys, err
}
