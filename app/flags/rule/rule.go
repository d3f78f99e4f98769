// Package rule evaluates feature flags: definitions in flagd's JSON, compiled to
// closures when they are saved, with flagd's extensions of JsonLogic and its way of
// dealing people to buckets. It agrees with flagd in every operator; the tests run
// flagd's own suite and JsonLogic's. It knows no database and no HTTP.
package rule

// Context is what a flag is evaluated for: attributes of somebody, as JSON has
// them, with the targetingKey that people are dealt to buckets by.
type Context map[string]any

// Reason is why a variant was chosen (OpenFeature, and OFREP's schema).
type Reason string

// The reasons. ReasonDefault is missing from OFREP's enumeration and yet used by
// its ADR-6 and by flagd.
const (
	ReasonStatic    Reason = "STATIC"          // no rules
	ReasonTargeting Reason = "TARGETING_MATCH" // the rules named the variant
	ReasonDefault   Reason = "DEFAULT"         // the rules named none
	ReasonDisabled  Reason = "DISABLED"
	ReasonError     Reason = "ERROR"
)

// ErrorCode is why there is no value.
type ErrorCode string

// The codes (OFREP section "evaluationFailure").
const (
	FlagNotFound ErrorCode = "FLAG_NOT_FOUND"
	ParseError   ErrorCode = "PARSE_ERROR" // the definition cannot be compiled
	TypeMismatch ErrorCode = "TYPE_MISMATCH"
	General      ErrorCode = "GENERAL" // the rules named a variant that is none, or cost too much
)

// Result is what a flag says.
type Result struct {
	Key          string
	Value        any // nil, with no ErrorCode: the caller's own default
	Variant      string
	Reason       Reason
	ErrorCode    ErrorCode // "" without an error
	ErrorDetails string
	Metadata     map[string]any // shared: not to be changed

	of   *Flag  // has what an answer says ready; nil: it is written out
	json []byte // of value and variant
	why  string // member of the metadata that is true beside the flag's own; "" for none
}

// Ok reports whether there is a value.
func (r Result) Ok() bool { return r.ErrorCode == "" && r.Value != nil }

// Kill is what is switched off whatever the rules say.
type Kill struct {
	All  bool     // every flag but those that are exempt
	Tags []string // flags with one of these tags
}

// Fault is why a flag cannot be evaluated. Path is where, as flags/key/targeting/if/0.
type Fault struct{ Flag, Path, Message string }

func (f *Fault) Error() string {
	if f.Path == "" {
		return f.Message
	}
	return f.Path + ": " + f.Message
}

// Typed is a result's value as a T, or the fallback: when there is none, and with
// TYPE_MISMATCH when it is of another type.
func Typed[T bool | string | float64 | int64 | map[string]any | []any](r Result, fallback T) (T, Result) {
	if !r.Ok() {
		return fallback, r
	}
	value := r.Value
	if n, isNumber := value.(float64); isNumber {
		if _, whole := any(fallback).(int64); whole && n == float64(int64(n)) {
			value = int64(n)
		}
	}
	if v, ok := value.(T); ok {
		return v, r
	}
	r.Value, r.Variant, r.Reason, r.ErrorCode, r.ErrorDetails, r.of = nil, "", ReasonError, TypeMismatch, "the flag has values of another type", nil
	return fallback, r
}
