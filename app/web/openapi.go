package web

import (
	"encoding"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// OpenAPI describes the routes below /-/api/, and in development those below /-/dev/,
// as an OpenAPI 3.1 document, made from the same data as the mux.
func OpenAPI(brand, url, version string, routes []Route) map[string]any {
	paths := map[string]any{}
	for _, r := range routes {
		if !strings.HasPrefix(r.Pattern, "/-/api/") && !strings.HasPrefix(r.Pattern, "/-/dev/") || r.Doc.Summary == "" {
			continue
		}
		item, ok := paths[r.Pattern].(map[string]any)
		if !ok {
			item = map[string]any{}
			paths[r.Pattern] = item
		}
		item[strings.ToLower(r.Method)] = operation(r)
	}
	return map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": brand + " API", "version": version},
		"servers": []any{map[string]any{"url": url}},
		"paths":   paths,
		"components": map[string]any{
			"schemas": map[string]any{"Problem": schema(reflect.TypeFor[problem]())},
			"securitySchemes": map[string]any{
				"session": map[string]any{"type": "apiKey", "in": "cookie", "name": CookieName(strings.HasPrefix(url, "https://"))},
				"token":   map[string]any{"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token, which signing in gives"},
				"bearer":  map[string]any{"type": "http", "scheme": "bearer", "description": "An API key, which begins with " + TokenPrefix},
			},
		},
	}
}

var pathParameter = regexp.MustCompile(`\{([a-z_]+)\}`)

func operation(r Route) map[string]any {
	status := r.Doc.Status
	if status == 0 {
		status = http.StatusOK
	}
	done := map[string]any{"description": http.StatusText(status)}
	if r.Doc.Out != nil {
		done["content"] = body("application/json", schema(reflect.TypeOf(r.Doc.Out)))
	}
	fault := map[string]any{"description": "What went wrong, as RFC 9457 problem details",
		"content": body("application/problem+json", map[string]any{"$ref": "#/components/schemas/Problem"})}
	op := map[string]any{
		"summary": r.Doc.Summary, "operationId": operationID(r),
		"responses": map[string]any{strconv.Itoa(status): done, "default": fault},
	}
	if r.Doc.In != nil {
		op["requestBody"] = map[string]any{"required": true, "content": body("application/json", schema(reflect.TypeOf(r.Doc.In)))}
	}
	var parameters []any
	for _, m := range pathParameter.FindAllStringSubmatch(r.Pattern, -1) {
		parameters = append(parameters, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	if r.Method == http.MethodPost {
		parameters = append(parameters, map[string]any{"name": "Idempotency-Key", "in": "header", "schema": map[string]any{"type": "string", "maxLength": 255},
			"description": "Whoever repeats the request with the same key gets the first answer, and nothing is done twice"})
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	if schemes := credentials(r.Access); schemes != nil {
		op["security"] = schemes
	}
	if p := r.Access.RequiredPermission(); p != "" {
		op["x-permission"] = p
	}
	return op
}

// credentials are what a route takes, any one of them; nil when it needs none.
func credentials(a Access) []any {
	session, token, bearer := map[string]any{"session": []string{}}, map[string]any{"token": []string{}}, map[string]any{"bearer": []string{}}
	switch a {
	case Public:
		return nil
	case Person:
		return []any{session, token}
	}
	return []any{session, token, bearer}
}

// operationID is the method and the path in words: "post_signup".
func operationID(r Route) string {
	path := strings.TrimPrefix(strings.TrimPrefix(r.Pattern, "/-/api/"), "v1/")
	return strings.ToLower(r.Method) + "_" + strings.Trim(strings.NewReplacer("/", "_", "{", "", "}", "", ".", "_").Replace(path), "_")
}

func body(kind string, s any) map[string]any {
	return map[string]any{kind: map[string]any{"schema": s}}
}

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
		properties[name] = schema(t.Field(i).Type)
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
