package flags

import (
	"context"
	"errors"
	"maps"

	"seaworthy/app/flags/rule"
	"seaworthy/app/web"
	"seaworthy/store"
)

// plan is the flags of a file, each compiled with the segments that there will be.
func (s *System) plan(ctx context.Context, b bundle) ([]plannedFlag, error) {
	segments := maps.Clone(*s.segments.Load())
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

// checkSegment refuses a segment's rule that cannot be compiled: alone, as the rule
// of a flag. Flags that name it are compiled with it before it is saved.
func (s *System) checkSegment(ctx context.Context, name, text string) error {
	segments := maps.Clone(*s.segments.Load())
	segments[name] = []byte(text)
	if err := compilesAlone(name, segments); err != nil {
		return err
	}
	return s.usersCompile(ctx, name, segments, nil)
}

// compilesAlone compiles a segment as the rule of a flag that nobody has.
func compilesAlone(name string, segments map[string][]byte) error {
	return compiles(name, `{"state":"ENABLED","variants":{"yes":true},"targeting":{"if":[{"$ref":"`+name+`"},"yes"]}}`, segments)
}

// usersOf are the flags that name a segment, also over others.
func usersOf(tx *store.Tx, name string) (all []Flag, err error) {
	keys, err := flagsNaming(tx, name)
	for _, key := range keys {
		f, err := FlagByKey(tx, key)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, err
}

// compiles says why a definition cannot be compiled, as a fault of a segment's rule.
func compiles(key, definition string, segments map[string][]byte) error {
	_, err := rule.CompileFlag(key, []byte(definition), segments)
	var f *rule.Fault
	if err == nil || !errors.As(err, &f) {
		return err
	}
	return web.Invalid(web.Field{Field: "rule", Code: "rule", Message: f.Error() + "."})
}

// faultWords is an error of a flag of a file, in a line.
func faultWords(err error) string {
	var e *web.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return web.CleanText(err.Error(), 300)
	}
	return web.CleanText(e.Fields[0].Field+": "+e.Fields[0].Message, 300)
}
