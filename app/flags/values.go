package flags

import (
	"maps"

	"seaworthy/app/flags/rule"
)

// maxValues bounds how many flags are told at once.
const maxValues = 200

// Values are what flags say for somebody of whom facts are known already, by key; a
// flag that leaves its value to the program is not among them. Nothing is counted:
// nobody may look at them.
func (s *System) Values(facts map[string]any) map[string]any {
	set := s.Snapshot()
	if len(set.Keys()) == 0 {
		return nil
	}
	c := rule.Context{}
	maps.Copy(c, facts)
	all := map[string]any{}
	for r := range set.EvaluateAll(c, func(*rule.Flag) bool { return true }) {
		if r.Ok() && len(all) < maxValues {
			all[r.Key] = r.Value
		}
	}
	return all
}

// IsOn says whether a boolean flag is on for somebody of whom facts are known already.
func (s *System) IsOn(key string, facts map[string]any) bool {
	c := rule.Context{}
	maps.Copy(c, facts)
	on, _ := rule.Typed(s.evaluate(s.Snapshot(), key, c), false)
	return on
}
