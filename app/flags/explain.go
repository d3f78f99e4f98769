package flags

import (
	"context"
	"maps"
	"net/http"
	"strings"

	"seaworthy/app/flags/rule"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Explained is which variant somebody gets of a flag, and why.
type Explained struct {
	Key     string         `json:"key"`
	Value   any            `json:"value,omitempty"`
	Variant string         `json:"variant,omitempty"`
	Reason  string         `json:"reason"`
	Fault   string         `json:"fault,omitempty"`
	Context map[string]any `json:"context"` // what the rules saw
	Trace   []string       `json:"trace"`   // in words
}

// Explain evaluates a flag as it would be for a user, without counting it. What is
// known of the user is what the installation knows; extra are attributes that the
// app would send beside that, which do not replace those.
func (s *System) Explain(ctx context.Context, key, user string, extra map[string]any) (Explained, error) {
	if _, err := s.read(ctx, key); err != nil {
		return Explained{}, err
	}
	seen := rule.Context{}
	maps.Copy(seen, extra)
	if user != "" {
		facts, err := store.Read(ctx, s.DB, func(tx *store.Tx) (map[string]any, error) { return s.Facts(tx, user, "") })
		if err != nil && !isNotFound(err) {
			return Explained{}, err
		}
		maps.Copy(seen, facts)
		seen["targetingKey"] = user
	}
	result, trace := s.Snapshot().Explain(key, seen)
	return Explained{Key: key, Value: result.Value, Variant: result.Variant, Reason: string(result.Reason), Fault: result.ErrorDetails, Context: seen, Trace: inWords(trace.Words())}, nil
}

// inWords says what the overrides, which are compiled before all rules, come to; the
// ids of all who have one are nobody's business here.
func inWords(steps []string) []string {
	for i, step := range steps {
		if _, truth, ok := strings.Cut(step, "]]}: "); ok && strings.HasPrefix(step, `{"in":[{"var":"targetingKey"},[`) {
			steps[i] = "Among the single users who are named: " + truth
		}
	}
	return steps
}

type explainInput struct {
	User    string         `json:"user,omitempty" doc:"Id; what is known of the user is filled in"`
	Context map[string]any `json:"context,omitempty" doc:"Attributes, as an app gives them"`
}

func (s *System) explainAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[explainInput](r)
	if err != nil {
		return err
	}
	out, err := s.Explain(r.Context(), r.PathValue("key"), in.User, in.Context)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, out)
}
