package flags

import (
	"context"

	"seaworthy/app/flags/rule"
	"seaworthy/app/web"
)

// Program code asks as System.Bool(ctx, …) or, within a request, as
// flags.Bool(ctx, …). What is evaluated for is whoever makes the request: the
// person with what the installation knows of him, and attributes that With added.

type systemKey struct{}
type attributesKey struct{}

// Into puts the system into a context, where Bool and the others find it.
func (s *System) Into(ctx context.Context) context.Context {
	return context.WithValue(ctx, systemKey{}, s)
}

// With adds attributes that rules may turn on, as "app_version". The
// installation's own attributes are not replaced.
func With(ctx context.Context, attributes map[string]any) context.Context {
	return context.WithValue(ctx, attributesKey{}, attributes)
}

// Bool is what a flag says, or the fallback: where there is no such flag, it is of
// another type, or it leaves the value to the program.
func Bool(ctx context.Context, key string, fallback bool) bool { return within(ctx, key, fallback) }

// String is Bool for texts.
func String(ctx context.Context, key, fallback string) string { return within(ctx, key, fallback) }

// Int is Bool for whole numbers.
func Int(ctx context.Context, key string, fallback int64) int64 { return within(ctx, key, fallback) }

// Float is Bool for numbers.
func Float(ctx context.Context, key string, fallback float64) float64 {
	return within(ctx, key, fallback)
}

// Object is Bool for objects, which are shared and not to be changed.
func Object(ctx context.Context, key string, fallback map[string]any) map[string]any {
	return within(ctx, key, fallback)
}

// Bool is the function Bool where the context has no system, as in jobs.
func (s *System) Bool(ctx context.Context, key string, fallback bool) bool {
	return ask(ctx, s, key, fallback)
}

// String is Bool for texts.
func (s *System) String(ctx context.Context, key, fallback string) string {
	return ask(ctx, s, key, fallback)
}

// Int is Bool for whole numbers.
func (s *System) Int(ctx context.Context, key string, fallback int64) int64 {
	return ask(ctx, s, key, fallback)
}

// Float is Bool for numbers.
func (s *System) Float(ctx context.Context, key string, fallback float64) float64 {
	return ask(ctx, s, key, fallback)
}

// Object is Bool for objects.
func (s *System) Object(ctx context.Context, key string, fallback map[string]any) map[string]any {
	return ask(ctx, s, key, fallback)
}

// Ask is what a flag says, in full. When what is known of the person cannot be
// read, the flag is evaluated without it.
func (s *System) Ask(ctx context.Context, key string) rule.Result {
	set := s.Snapshot()
	f := set.Flag(key)
	if f == nil || f.Constant() {
		return s.evaluate(set, key, nil)
	}
	sent, _ := ctx.Value(attributesKey{}).(map[string]any)
	about, err := s.about(ctx, caller{id: web.IdentityOf(ctx)}, sent)
	if err != nil {
		s.Log.WarnContext(ctx, "a flag is evaluated without what is known of the person", "flag", key, "err", err)
	}
	return s.evaluate(set, key, about)
}

func within[T bool | string | float64 | int64 | map[string]any](ctx context.Context, key string, fallback T) T {
	s, ok := ctx.Value(systemKey{}).(*System)
	if !ok {
		return fallback
	}
	return ask(ctx, s, key, fallback)
}

func ask[T bool | string | float64 | int64 | map[string]any](ctx context.Context, s *System, key string, fallback T) T {
	v, _ := rule.Typed(s.Ask(ctx, key), fallback)
	return v
}
