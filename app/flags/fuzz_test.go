package flags

import (
	"strings"
	"testing"
	"time"

	"seaworthy/app/web"
)

// Whatever a client sends is a context that may be used, or an error of OFREP's.
func FuzzReadContext(f *testing.F) {
	for _, seed := range []string{`{"context":{"targetingKey":"a","n":[1,{"x":null}]}}`, `{"context":null}`, `{}`, `{"context":[]}`, `{"context":{"targetingKey":1}}`, `{"context":{"a":1,"a":2}}`,
		`{"context":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40) + `}`, `nul`, "{\"context\":{\"\xff\":1}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		given, err := readContext([]byte(body))
		if err != nil {
			if e := web.AsError(err); e.Status != 400 || e.Code != "PARSE_ERROR" && e.Code != "INVALID_CONTEXT" {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		if k, ok := given["targetingKey"]; given == nil || ok && !isText(k) {
			t.Errorf("%q: %v", body, given)
		}
	})
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

// Nothing but what was handed out opens a stream.
func FuzzTicket(f *testing.F) {
	t := tickets{[]byte("a key of the tests")}
	now := time.Date(2026, 11, 22, 14, 5, 0, 0, time.UTC)
	_, real, _ := strings.Cut(t.stream(now, web.Identity{Key: "key_1"}), "token=")
	for _, seed := range []string{real, "", real[:len(real)-1], real + "=", strings.ToLower(real), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(tt *testing.T, text string) {
		got, ok := t.read(text, now)
		if ok != (text == real) {
			tt.Errorf("%q opens a stream: %+v", text, got)
		}
		if ok && (got.person || got.until.Before(now)) {
			tt.Errorf("%+v", got)
		}
	})
}
