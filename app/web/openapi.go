package web

import (
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// OpenAPI describes the routes below /-/api/, and in development those below /-/dev/,
// as an OpenAPI 3.1 document, made from the same data as the mux.
func OpenAPI(brand, url, version string, routes []Route) map[string]any {
	paths, tags := map[string]any{}, map[string]bool{}
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
		tags[tagOf(r)] = true
	}
	return map[string]any{
		"openapi": "3.1.0",
		"info":    map[string]any{"title": brand + " API", "version": version},
		"servers": []any{map[string]any{"url": url}},
		"paths":   paths,
		"tags":    tagList(tags),
		"components": map[string]any{
			"schemas":   map[string]any{"Problem": schema(reflect.TypeFor[problem]())},
			"responses": faults(),
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
	summary, query := r.Doc.query()
	op := map[string]any{"summary": summary, "operationId": operationID(r), "tags": []string{tagOf(r)}}
	if r.Doc.In != nil {
		op["requestBody"] = map[string]any{"required": true, "content": body("application/json", schema(reflect.TypeOf(r.Doc.In)))}
	}
	answers := map[string]any{strconv.Itoa(status): done, "default": map[string]any{"$ref": "#/components/responses/default"}}
	for _, code := range faultsOf(r) {
		answers[code] = map[string]any{"$ref": "#/components/responses/" + code}
	}
	op["responses"] = answers
	if parameters := parametersOf(r, query); parameters != nil {
		op["parameters"] = parameters
	}
	if schemes := credentials(r.Access); schemes != nil {
		op["security"] = schemes
	}
	maps.Copy(op, beyond(r))
	return op
}

// beyond are the members that say what OpenAPI has no word for.
func beyond(r Route) map[string]any {
	more := map[string]any{}
	if p := r.Access.RequiredPermission(); p != "" {
		more["x-permission"], more["x-permission-scope"] = p, string(r.Access.Scope())
	}
	if len(r.Audit) > 0 && !slices.Contains(r.Audit, "*") {
		more["x-audit"] = r.Audit
	}
	if r.Fresh {
		more["x-confirmed"] = true
	}
	if r.Limit.Burst > 0 {
		who := "address"
		if r.Limit.By == ByUser {
			who = "user or key"
		}
		more["x-rate-limit"] = strconv.Itoa(r.Limit.Burst) + " at once from one " + who + ", then one every " + r.Limit.Every.String()
	}
	return more
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
