package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"seaworthy/app/manifest"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Part is the section of seaworthy.yml with the access rules. Rules that the file does not
// have stay behind those that it has, in their order, unless it says prune.
func (s *System) Part() manifest.Part {
	return manifest.Part{Name: "access", Noun: "rule", Shape: manifest.Listed, List: "rules", Manage: permManage, Read: permRead, Page: base,
		Prepare: s.prepare, State: rulesState, Warn: s.warn}
}

func (s *System) prepare(_ context.Context, f *manifest.File) (manifest.Act, error) {
	section := f.Section("access")
	var wanted []Rule
	var faults []error
	for _, it := range section.Items {
		r, err := manifest.Decode[Rule](it)
		if err == nil {
			var c web.Check
			r.check(&c, "")
			err = it.Fault(c.Err())
		}
		wanted, faults = append(wanted, r), append(faults, err)
	}
	if err := manifest.Join(faults); err != nil {
		return manifest.Act{}, err
	}
	// No version is asked for, as a form does: the file is meant to count whoever came before.
	return manifest.Act{Put: func(tx *store.Tx, _ *manifest.Report) error {
		was, err := newestRules(tx)
		if err != nil {
			return err
		}
		all := append([]Rule{}, wanted...)
		for _, r := range was.plain() {
			if !section.Prune && !slices.ContainsFunc(wanted, r.sameRequests) {
				all = append(all, r)
			}
		}
		if len(all) > maxRules {
			return web.Invalid(web.Field{Field: "access.rules", Code: "too_many", Message: fmt.Sprintf("At most %d.", maxRules)})
		}
		return s.put(tx, was, all, "seaworthy.yml")
	}}, nil
}

// sameRequests reports whether two rules are about the same requests.
func (r Rule) sameRequests(other Rule) bool {
	return strings.EqualFold(r.Path, other.Path) && slices.Equal(r.Methods, other.Methods)
}

func rulesState(tx *store.Tx) ([]manifest.Entry, error) {
	set, err := newestRules(tx)
	if err != nil {
		return nil, err
	}
	var all []manifest.Entry
	for _, r := range set.plain() {
		raw, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		all = append(all, manifest.Entry{JSON: raw})
	}
	return all, nil
}

// warn finds rules that let nobody in, because what they ask for does not exist.
func (s *System) warn(tx *store.Tx) ([]string, error) {
	set, err := newestRules(tx)
	if err != nil || s.Known == nil {
		return nil, err
	}
	known, err := s.Known(tx)
	if err != nil {
		return nil, err
	}
	front := slices.IndexFunc(set.rules, func(r compiled) bool { return r.covers("GET", "/", r.pattern) })
	var all []string
	for i, r := range set.rules {
		missing := known.missing(r.Rule)
		if missing == "" {
			continue
		}
		text := "rule " + strconv.Itoa(i+1) + " (" + r.Path + ") lets nobody in: there is no " + missing
		if i == front {
			text = "rule " + strconv.Itoa(i+1) + " (" + r.Path + ") locks everybody out of /: there is no " + missing
		}
		all = append(all, text)
	}
	return all, nil
}

// Names are what rules can name, as it exists now.
type Names struct{ Roles, Plans, Features, Limits, Flags []string }

// missing is what a rule asks for that does not exist, so that nobody has it; "" for nothing.
func (n Names) missing(r Rule) string {
	none := func(all, among []string) bool {
		return len(all) > 0 && !slices.ContainsFunc(all, func(name string) bool { return containsFold(among, name) })
	}
	switch {
	case none(r.Roles, n.Roles):
		return "role " + strings.Join(r.Roles, " or ")
	case none(r.Plans, n.Plans):
		return "plan " + strings.Join(r.Plans, " or ")
	case r.Flag != "" && !slices.Contains(n.Flags, r.Flag):
		return "flag " + r.Flag
	}
	for _, name := range r.Features {
		if !containsFold(n.Features, name) {
			return "plan that gives " + name
		}
	}
	for name := range r.Limits {
		if !slices.Contains(n.Limits, name) {
			return "plan with the limit " + name
		}
	}
	return ""
}
