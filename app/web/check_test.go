package web

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		min, max    int
		want, code  string
	}{
		{"plain", "Ada", 1, 10, "Ada", ""},
		{"trimmed", " \tAda\r\n", 1, 3, "Ada", ""},
		{"optional", "  ", 0, 10, "", ""},
		{"required", " \n ", 1, 10, "", "required"},
		{"required rather than short", "", 8, 10, "", "required"},
		{"short", "Ada", 4, 10, "Ada", "too_short"},
		{"long", "Ada L", 1, 4, "Ada L", "too_long"},
		{"counted in characters", "Größe", 5, 5, "Größe", ""},
		{"line break", "Ada\nL", 1, 10, "Ada\nL", "characters"},
		{"NUL", "A\x00", 1, 10, "A\x00", "characters"},
		{"C1 control", "A\u009b0", 1, 10, "A\u009b0", "characters"},
		{"direction", "A\u202eb", 1, 10, "A\u202eb", "characters"},
		{"zero-width space", "A\u200bb", 1, 10, "A\u200bb", "characters"},
		{"line separator", "A\u2028b", 1, 10, "A\u2028b", "characters"},
		{"invalid UTF-8", "A\xffb", 1, 10, "A\xffb", "characters"},
		{"joined emoji", "👩\u200d💻", 1, 10, "👩\u200d💻", ""},
		{"non-joiner", "می\u200cخواهم", 1, 10, "می\u200cخواهم", ""},
		{"markup is text", "<b>&", 1, 10, "<b>&", ""},
	} {
		var check Check
		got := check.Text("name", c.value, c.min, c.max)
		err := check.Err()
		var e *Error
		code := ""
		if errors.As(err, &e) && len(e.Fields) == 1 && e.Fields[0].Field == "name" && e.Fields[0].Message != "" && e.Status == 422 {
			code = e.Fields[0].Code
		}
		if got != c.want || code != c.code || (err != nil) != (c.code != "") {
			t.Errorf("%s: %q, %q (%v); want %q, %q", c.name, got, code, err, c.want, c.code)
		}
	}
}

func TestCheckCollectsEveryField(t *testing.T) {
	t.Parallel()
	var check Check
	if err := check.Err(); err != nil {
		t.Fatalf("nothing is wrong: %v", err)
	}
	check.Fault(true, "fine", "x", "y")
	check.Text("name", "", 1, 10)
	check.Text("city", strings.Repeat("x", 11), 1, 10)
	check.Fault(false, "email", "taken", "Somebody has it.")
	e := AsError(check.Err())
	if e.Status != 422 || e.Code != "invalid" || len(e.Fields) != 3 {
		t.Fatalf("%+v", e)
	}
	for field, want := range map[string]string{"name": "Fill this in.", "city": "At most 10 characters.", "email": "Somebody has it.", "fine": ""} {
		if got := e.FieldMessage(field); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}
