package web

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// schema is the JSON Schema of a Go type, by its json tags.
func schema(t reflect.Type) map[string]any {
	if t == reflect.TypeFor[jsontext.Value]() {
		return map[string]any{} // any JSON
	}
	if t.Kind() == reflect.Int && t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return map[string]any{"type": "string"} // a level, that is written by name
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schema(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return map[string]any{"type": "string", "contentEncoding": "base64"}
		}
		return map[string]any{"type": "array", "items": schema(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schema(t.Elem())}
	case reflect.Interface:
		return map[string]any{}
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return map[string]any{"type": "string", "format": "date-time"}
		}
		return object(t)
	}
	panic(fmt.Sprintf("openapi: a body cannot have a %s", t))
}

func object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if t.Field(i).Anonymous && name == "" { // its fields stand among the others
			inner := object(t.Field(i).Type)
			maps.Copy(properties, inner["properties"].(map[string]any))
			more, _ := inner["required"].([]string)
			required = append(required, more...)
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		properties[name] = described(schema(t.Field(i).Type), name, t.Field(i).Tag)
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			required = append(required, name)
		}
	}
	out := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// described adds to the schema of a field what its tags say of it: doc is a sentence,
// max the most characters of a text, enum its values, example one of them. A field
// without a doc whose name means the same everywhere gets that.
func described(s map[string]any, name string, tag reflect.StructTag) map[string]any {
	words := tag.Get("doc")
	if words == "" {
		words = everywhere(name)
	}
	if words != "" {
		s["description"] = words
	}
	if n, err := strconv.Atoi(tag.Get("max")); err == nil {
		s["maxLength"] = n
	}
	if values := tag.Get("enum"); values != "" {
		s["enum"] = strings.Split(values, ",")
	}
	if value := tag.Get("example"); value != "" {
		s["example"] = value
	}
	return s
}

// everywhere is what a field or a parameter means wherever it occurs, "" for one that
// depends on its place.
func everywhere(name string) string {
	return map[string]string{
		"next_cursor":     "Give it as cursor for the next page; none on the last",
		"cursor":          "Where to go on: next_cursor of the page before",
		"limit":           "Most entries of the answer",
		"created_at":      "When it was made",
		"changed_at":      "When it was last changed",
		"updated_at":      "When it was last changed",
		"expires_at":      "When it ends by itself",
		"finished_at":     "When it ended",
		"started_at":      "When it began",
		"version":         "Counts the changes; a change that names another than the one in use is refused with 409",
		"comment":         "Why, for the history",
		"org":             "Id of an organization, org_…",
		"org_id":          "Id of an organization, org_…",
		"user":            "Id of a user, usr_…",
		"user_id":         "Id of a user, usr_…",
		"email":           "Mail address",
		"permissions":     "As area:act, area:* or *",
		"request_id":      "Of the request, as in X-Request-Id and in the log",
		"subscription":    "Id of the subscription; that of the plan if left out",
		"price":           "Id of a price at Stripe, price_…",
		"promotion_code":  "As customers type it",
		"coupon":          "Id of a coupon at Stripe",
		"quantity":        "How many, such as seats; 1 if left out",
		"behavior":        "What becomes of invoices meanwhile: void, keep_as_draft or mark_uncollectible",
		"resumes_on":      "Day on which it goes on by itself",
		"timeout_seconds": "How long an attempt may take",
		"concurrency":     "How many at once",
		"range":           "15m, 1h, 6h, 24h, 7d, 30d, 90d or 1y",
	}[name]
}
