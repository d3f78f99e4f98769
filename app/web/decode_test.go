package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

type decoded struct {
	Email string       `json:"email"`
	Count int          `json:"count"`
	Ratio float64      `json:"ratio"`
	Agree bool         `json:"agree"`
	Tags  []string     `json:"tags"`
	Inner decodedInner `json:"inner"`
}

type decodedInner struct {
	Name string `json:"name"`
}

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// decode reads a body as a route would, which takes 1000 bytes.
func decode(kind string, body io.Reader) (decoded, error) {
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.Header.Set("Content-Type", kind)
	r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, 1000)
	return Decode[decoded](r)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	want := decoded{Email: "ä@x.example\n", Count: -3, Agree: true}
	for _, c := range []struct{ kind, body string }{
		{jsonType, `{"email":"ä@x.example\n","count":-3,"agree":true}`},
		{"Application/JSON; charset=UTF-8", " {\"agree\":true,\n\"count\":-3,\"email\":\"\\u00e4@x.example\\n\"}\n"},
		{formType, "email=%C3%A4%40x.example%0A&count=-3&agree=on"},
		{formType + ";charset=utf-8", "agree=true&count=-3&email=%c3%a4@x.example%0a"},
	} {
		got, err := decode(c.kind, strings.NewReader(c.body))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s %s: %+v, %v", c.kind, c.body, got, err)
		}
	}
	if got, err := decode(formType, strings.NewReader("tags=b&tags=a&email=x")); err != nil || fmt.Sprint(got.Tags) != "[b a]" {
		t.Errorf("a list in a form: %+v, %v", got, err)
	}
	for _, body := range []string{"", "agree=", "agree=off&count=", "email="} {
		if got, err := decode(formType, strings.NewReader(body)); err != nil || fmt.Sprint(got) != fmt.Sprint(decoded{}) {
			t.Errorf("an empty form %q: %+v, %v", body, got, err)
		}
	}
}

func TestDecodeFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, kind, body string
		status           int
		code             string
		field, fault     string // the one field that is named, if any
	}{
		{"too large", jsonType, `{"email":"` + strings.Repeat("x", 1000) + `"}`, 413, "too_large", "", ""},
		{"too large form", formType, "email=" + strings.Repeat("x", 1000), 413, "too_large", "", ""},
		{"no type", "", `{}`, 415, "unsupported_media_type", "", ""},
		{"text", "text/plain", `{}`, 415, "unsupported_media_type", "", ""},
		{"multipart", "multipart/form-data; boundary=x", "--x--", 415, "unsupported_media_type", "", ""},
		{"broken type", "application/json; =", `{}`, 415, "unsupported_media_type", "", ""},
		{"latin1", "application/json; charset=iso-8859-1", `{}`, 415, "unsupported_media_type", "", ""},
		{"latin1 form", formType + "; charset=latin1", "email=x", 415, "unsupported_media_type", "", ""},
		{"two charsets", "application/json; charset=utf-8; charset=latin1", `{}`, 415, "unsupported_media_type", "", ""},

		{"empty", jsonType, "", 400, "malformed_json", "", ""},
		{"blank", jsonType, " \n", 400, "malformed_json", "", ""},
		{"half", jsonType, `{"email":`, 400, "malformed_json", "", ""},
		{"trailing garbage", jsonType, `{"email":"x"} x`, 400, "malformed_json", "", ""},
		{"two values", jsonType, `{"email":"x"}{}`, 400, "malformed_json", "", ""},
		{"comment", jsonType, `{/**/}`, 400, "malformed_json", "", ""},
		{"byte order mark", jsonType, "\ufeff{}", 400, "malformed_json", "", ""},
		{"invalid UTF-8", jsonType, "{\"email\":\"\xff\"}", 400, "malformed_json", "", ""},
		{"half a surrogate", jsonType, `{"email":"\ud800"}`, 400, "malformed_json", "", ""},
		{"raw NUL", jsonType, "{\"email\":\"a\x00\"}", 400, "malformed_json", "", ""},
		{"NUL", jsonType, `{"email":"a\u0000b"}`, 400, "bad_field", "email", "encoding"},
		{"NUL within", jsonType, `{"email":"\\u0000","tags":["a","\u0000"]}`, 400, "bad_field", "tags.1", "encoding"},
		{"unknown", jsonType, `{"email":"x","role":"admin"}`, 400, "bad_field", "role", "unknown"},
		{"unknown within", jsonType, `{"inner":{"role":"admin"}}`, 400, "bad_field", "inner.role", "unknown"},
		{"unknown with markup", jsonType, `{"a/b~c` + "\u202e" + `":1}`, 400, "bad_field", "a/b~c", "unknown"},
		{"unknown and long", jsonType, `{"` + strings.Repeat("n", 200) + `":1}`, 400, "bad_field", strings.Repeat("n", 64), "unknown"},
		{"other case", jsonType, `{"Email":"x"}`, 400, "bad_field", "Email", "unknown"},
		{"twice", jsonType, `{"email":"x","email":"y"}`, 400, "bad_field", "email", "duplicate"},
		{"twice, escaped", jsonType, `{"email":"x","\u0065mail":"y"}`, 400, "bad_field", "email", "duplicate"},
		{"number for text", jsonType, `{"email":1}`, 400, "bad_field", "email", "type"},
		{"text for number", jsonType, `{"count":"1"}`, 400, "bad_field", "count", "type"},
		{"fraction for whole number", jsonType, `{"count":1.5}`, 400, "bad_field", "count", "type"},
		{"too large a number", jsonType, `{"count":9223372036854775808}`, 400, "bad_field", "count", "type"},
		{"text for a fraction", jsonType, `{"ratio":"x"}`, 400, "bad_field", "ratio", "type"},
		{"text for bool", jsonType, `{"agree":"true"}`, 400, "bad_field", "agree", "type"},
		{"text for list", jsonType, `{"tags":"x"}`, 400, "bad_field", "tags", "type"},
		{"list of numbers", jsonType, `{"tags":["a",2]}`, 400, "bad_field", "tags.1", "type"},
		{"text for object", jsonType, `{"inner":"x"}`, 400, "bad_field", "inner", "type"},
		{"array", jsonType, `[{"email":"x"}]`, 400, "bad_field", "", ""},
		{"text", jsonType, `"email"`, 400, "bad_field", "", ""},
		{"deep", jsonType, strings.Repeat(`{"inner":`, 100), 400, "bad_field", "inner.inner", "unknown"},

		{"unknown", formType, "email=x&role=admin", 400, "bad_field", "role", "unknown"},
		{"other case", formType, "Email=x", 400, "bad_field", "Email", "unknown"},
		{"no name", formType, "=x", 400, "bad_field", "", ""},
		{"name in bad UTF-8", formType, "%ffrole=x", 400, "bad_field", "role", "unknown"},
		{"twice", formType, "email=x&email=x", 400, "bad_field", "email", "duplicate"},
		{"invalid UTF-8", formType, "email=%ff", 400, "bad_field", "email", "encoding"},
		{"NUL", formType, "email=a%00b", 400, "bad_field", "email", "encoding"},
		{"percent", formType, "email=%zz", 400, "malformed_form", "", ""},
		{"half percent", formType, "email=%4", 400, "malformed_form", "", ""},
		{"semicolon", formType, "email=x;count=1", 400, "malformed_form", "", ""},
		{"number", formType, "count=one", 400, "bad_field", "count", "type"},
		{"hexadecimal", formType, "count=0x10", 400, "bad_field", "count", "type"},
		{"too large a number", formType, "count=9223372036854775808", 400, "bad_field", "count", "type"},
		{"neither on nor off", formType, "agree=maybe", 400, "bad_field", "agree", "type"},
		{"a list from a form, not UTF-8", formType, "tags=x&tags=%ff", 400, "bad_field", "tags", "encoding"},
		{"an object from a form", formType, "inner=x", 400, "bad_field", "inner", "type"},
		{"the first fault by name", formType, "zeta=1&alpha=1", 400, "bad_field", "alpha", "unknown"},
		{"101 fields", formType, fields(101), 400, "malformed_form", "", ""},
		{"100 fields", formType, fields(100), 400, "bad_field", "f0", "unknown"},
	} {
		_, err := decode(c.kind, strings.NewReader(c.body))
		if err == nil {
			t.Errorf("%s (%s): taken", c.name, c.kind)
			continue
		}
		e := AsError(err)
		if e.Status != c.status || e.Code != c.code || e.Public == "" {
			t.Errorf("%s (%s): %d %s, want %d %s: %v", c.name, c.kind, e.Status, e.Code, c.status, c.code, err)
		}
		var got, fault string
		if len(e.Fields) == 1 {
			got, fault = e.Fields[0].Field, e.Fields[0].Code
		}
		if got != c.field || fault != c.fault || len(e.Fields) > 1 {
			t.Errorf("%s (%s): fields %+v, want %s %s", c.name, c.kind, e.Fields, c.field, c.fault)
		}
	}
}

func fields(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("f%d=", i))
	}
	return strings.Join(all, "&")
}

func TestDecodeDeepNesting(t *testing.T) {
	t.Parallel()
	for _, body := range []string{strings.Repeat("[", 10_001), strings.Repeat(`{"tags":[`, 10_000), `{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}"} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", jsonType)
		if _, err := Decode[any](r); err == nil || AsError(err).Status != 400 {
			t.Errorf("%.20s… as anything: %v", body, err)
		}
		r.Body = io.NopCloser(strings.NewReader(body))
		if _, err := Decode[decoded](r); err == nil || AsError(err).Status != 400 {
			t.Errorf("%.20s…: %v", body, err)
		}
	}
}

func TestDecodeInterrupted(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{jsonType, formType} {
		for _, cause := range []error{io.ErrUnexpectedEOF, errors.New("connection reset")} {
			_, err := decode(kind, io.MultiReader(strings.NewReader("{"), iotest.ErrReader(cause)))
			if e := AsError(err); e.Status != 400 || e.Code != "incomplete_body" || !errors.Is(err, cause) {
				t.Errorf("%s, %v: %v", kind, cause, err)
			}
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `[]`, `{"email":"a\u0000","count":1,"tags":["x"],"inner":{"name":"y"}}`, `{"Email":1}`, `{"email":"","email":""}`, "\xff", `{"ratio":1e999}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) { checkDecoded(t, jsonType, body) })
}

func FuzzDecodeForm(f *testing.F) {
	for _, s := range []string{"", "email=a&count=1&agree=on", "%", "a=b;c", "=", "email=%00", "count=&count=", "tags=x&inner=y", fields(101)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) { checkDecoded(t, formType, body) })
}

// checkDecoded: what is taken has no NUL, what is refused is the client's fault.
func checkDecoded(t *testing.T, kind, body string) {
	v, err := decode(kind, strings.NewReader(body))
	if err == nil {
		if strings.ContainsRune(v.Email+v.Inner.Name+strings.Join(v.Tags, ""), 0) {
			t.Errorf("%q gives NUL: %+v", body, v)
		}
		return
	}
	var e *Error
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) && len(body) > 1000 {
		return
	}
	if !errors.As(err, &e) || e.Status < 400 || e.Status > 499 {
		t.Errorf("%q: %v", body, err)
	}
}

// TestDecodeSaysWhatIsExpected in the words of whoever sends it.
func TestDecodeSaysWhatIsExpected(t *testing.T) {
	t.Parallel()
	type form struct {
		At      time.Time    `json:"at"`
		Until   *time.Time   `json:"until"`
		Content []byte       `json:"content"`
		Address netip.Addr   `json:"address"`
		Tags    []string     `json:"tags"`
		Inner   decodedInner `json:"inner"`
		Count   int          `json:"count"`
	}
	for body, want := range map[string]string{
		`{"at":"tomorrow"}`: "a time such as 2026-03-14T09:00:00Z", `{"at":7}`: "a time such as 2026-03-14T09:00:00Z", `{"until":"tomorrow"}`: "a time such as 2026-03-14T09:00:00Z",
		`{"content":"?"}`: "base64", `{"address":"home"}`: "text of another form",
		`{"tags":"a"}`: "a list", `{"inner":[]}`: "an object", `{"count":"1"}`: "a whole number",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", jsonType)
		_, err := Decode[form](r)
		var fault *Error
		if !errors.As(err, &fault) || len(fault.Fields) != 1 || fault.Fields[0].Message != "Expected "+want+" here." {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}
