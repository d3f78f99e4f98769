package web

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxFields bounds how many fields a form may have, maxName how much of an
// unknown one's name is repeated, in bytes.
const maxFields, maxName = 100, 64

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
	case "application/json", "application/x-www-form-urlencoded":
		raw, err := readBody(r.Body)
		if err != nil {
			return v, err
		}
		if kind == "application/json" {
			return v, decodeJSON(raw, &v)
		}
		return v, decodeForm(raw, &v)
	}
	return v, &Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type",
		Public: "Send the body as application/json or application/x-www-form-urlencoded, in UTF-8."}
}

// DecodeJSON is Decode for JSON that was read already, as one line of many.
func DecodeJSON[T any](raw []byte) (T, error) {
	var v T
	return v, decodeJSON(raw, &v)
}

// ReadBody reads all of a body whose content type is one of kinds, bounded by the route.
func ReadBody(r *http.Request, kinds ...string) (raw []byte, kind string, err error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") || !slices.Contains(kinds, kind) {
		return nil, kind, &Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type",
			Public: "Send the body as " + strings.Join(kinds, " or ") + ", in UTF-8."}
	}
	raw, err = readBody(r.Body)
	return raw, kind, err
}

// readBody reads all of it. A body that is too large keeps its own error; any
// other failure is the client's, that went away or sent less than it announced.
func readBody(body io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(body)
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		err = &Error{Status: http.StatusBadRequest, Code: "incomplete_body", Public: "The body ended early.", Err: err}
	}
	return raw, err
}

// decodeJSON takes exactly one JSON value: json v2 refuses duplicate names,
// invalid UTF-8 and names that differ in case only.
func decodeJSON(raw []byte, v any) error {
	err := json.Unmarshal(raw, v, json.RejectUnknownMembers(true))
	if err == nil {
		return refuseNUL(raw)
	}
	var semantic *json.SemanticError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &semantic):
		return badField(pointerName(semantic.JSONPointer), "unknown", "This field is not known here.")
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return badField(pointerName(syntax.JSONPointer), "duplicate", "This field is given twice.")
	case errors.As(err, &semantic):
		return badField(pointerName(semantic.JSONPointer), "type", "Expected "+typeName(semantic.GoType)+" here.")
	}
	return &Error{Status: http.StatusBadRequest, Code: "malformed_json", Public: "The body is not valid JSON in UTF-8.", Err: err}
}

// refuseNUL finds text with the character that JSON can write and the database,
// C programs and people cannot read.
func refuseNUL(raw []byte) error {
	if !bytes.Contains(raw, []byte(`\u0000`)) {
		return nil
	}
	for d := jsontext.NewDecoder(bytes.NewReader(raw)); ; {
		token, err := d.ReadToken()
		if err != nil {
			return nil // the end; it was valid
		}
		if token.Kind() == '"' && strings.ContainsRune(token.String(), 0) {
			return badField(pointerName(d.StackPointer()), "encoding", "This is not valid text.")
		}
	}
}

// badField names the field; "" is the body as a whole.
func badField(field, code, message string) error {
	if field == "" {
		return &Error{Status: http.StatusBadRequest, Code: "bad_field", Public: message}
	}
	return &Error{Status: http.StatusBadRequest, Code: "bad_field", Public: "The body does not have the expected form.",
		Fields: []Field{{Field: field, Code: code, Message: message}}}
}

// pointerName turns the JSON pointer /a/b into a.b.
func pointerName(p jsontext.Pointer) string {
	return CleanText(strings.Join(slices.Collect(p.Tokens()), "."), maxName)
}

// typeName is what somebody has to send for a type, not how Go keeps it.
func typeName(t reflect.Type) string {
	switch t {
	case nil:
		return "another type"
	case reflect.TypeFor[time.Time]():
		return "a time such as 2026-03-14T09:00:00Z"
	case reflect.TypeFor[[]byte]():
		return "base64"
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return "text of another form" // an address, a prefix
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
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// decodeForm fills the fields of a struct: text, checkboxes, numbers and lists of
// text, whose name stands in the form once for each.
func decodeForm(raw []byte, v any) error {
	form, err := url.ParseQuery(string(raw))
	if err != nil || len(form) > maxFields {
		return &Error{Status: http.StatusBadRequest, Code: "malformed_form", Public: "The form could not be read.", Err: err}
	}
	fields := formFields(reflect.ValueOf(v).Elem())
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := form[name]
		field, ok := fields[name]
		switch {
		case !ok:
			return badField(CleanText(name, maxName), "unknown", "This field is not known here.")
		case len(values) > 1 && field.Kind() != reflect.Slice:
			return badField(name, "duplicate", "This field is given twice.")
		}
		for _, text := range values {
			if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
				return badField(name, "encoding", "This is not valid text.")
			}
			if err := setField(field, text); err != nil {
				return badField(name, "type", "Expected "+typeName(field.Type())+" here.")
			}
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

// setField leaves a number that was not filled in as it is; the check of the
// value says what it should be.
func setField(field reflect.Value, text string) error {
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		switch text {
		case "on", "true", "1":
			field.SetBool(true)
		case "", "off", "false", "0":
		default:
			return fmt.Errorf("%q is no state of a checkbox", text)
		}
	case reflect.Slice:
		if field.Type().Elem().Kind() != reflect.String {
			return fmt.Errorf("a form cannot fill a %s", field.Type())
		}
		field.Set(reflect.Append(field, reflect.ValueOf(text)))
	case reflect.Int, reflect.Int64:
		if text == "" {
			return nil
		}
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
