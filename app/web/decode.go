package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxFields bounds how many fields a form may have.
const maxFields = 100

// Decode reads the body into a T, strictly: JSON or a form by its content type,
// every field known, none twice, all text valid UTF-8. Fields are named by their
// json tags. The body is bounded by the route.
func Decode[T any](r *http.Request) (T, error) {
	var v T
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		kind = ""
	}
	switch kind {
	case "application/json":
		return v, decodeJSON(r.Body, &v)
	case "application/x-www-form-urlencoded":
		return v, decodeForm(r.Body, &v)
	}
	return v, &Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type",
		Public: "Send the body as application/json or application/x-www-form-urlencoded, in UTF-8."}
}

// decodeJSON takes exactly one JSON value: json v2 refuses duplicate names,
// invalid UTF-8 and names that differ in case only.
func decodeJSON(body io.Reader, v any) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	err = json.Unmarshal(raw, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var semantic *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return badField(pointerName(semantic.JSONPointer), "unknown", "This field is not known here.")
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return badField(pointerName(syntax.JSONPointer), "duplicate", "This field is given twice.")
	case errors.As(err, &semantic):
		return badField(pointerName(semantic.JSONPointer), "type", fmt.Sprintf("Expected %s here, not a JSON %s.", typeName(semantic.GoType), semantic.JSONKind))
	}
	return &Error{Status: http.StatusBadRequest, Code: "malformed_json", Public: "The body is not valid JSON in UTF-8.", Err: err}
}

func badField(field, code, message string) error {
	return &Error{Status: http.StatusBadRequest, Code: "bad_field", Public: "The body does not have the expected form.",
		Fields: []Field{{Field: field, Code: code, Message: message}}}
}

// pointerName turns the JSON pointer /a/b into a.b.
func pointerName(p jsontext.Pointer) string {
	return strings.ReplaceAll(strings.TrimPrefix(string(p), "/"), "/", ".")
}

func typeName(t reflect.Type) string {
	if t == nil {
		return "another type"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a number"
}

// decodeForm fills the fields of a struct: text, checkboxes and numbers.
func decodeForm(body io.Reader, v any) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil || len(form) > maxFields {
		return &Error{Status: http.StatusBadRequest, Code: "malformed_form", Public: "The form could not be read.", Err: err}
	}
	fields := formFields(reflect.ValueOf(v).Elem())
	for name, values := range form {
		field, ok := fields[name]
		switch {
		case !ok:
			return badField(CleanText(name, 64), "unknown", "This field is not known here.")
		case len(values) > 1:
			return badField(name, "duplicate", "This field is given twice.")
		case !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0):
			return badField(name, "encoding", "This is not valid text.")
		}
		if err := setField(field, values[0]); err != nil {
			return badField(name, "type", "Expected "+typeName(field.Type())+" here.")
		}
	}
	return nil
}

func formFields(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			fields[name] = v.Field(i)
		}
	}
	return fields
}

func setField(field reflect.Value, text string) error {
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		field.SetBool(text == "on" || text == "true" || text == "1")
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		field.SetInt(n)
	default:
		return fmt.Errorf("a form cannot fill a %s", field.Type())
	}
	return nil
}
