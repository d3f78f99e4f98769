package sentry

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

func read(raw []byte) (*Envelope, error) {
	r := bufio.NewReaderSize(bytes.NewReader(raw), 16)
	h, err := ReadHeader(r)
	if err != nil {
		return nil, err
	}
	return ReadItems(r, h, false)
}

func TestEnvelopeForms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw   string
		items []string
	}{
		"empty":              {"{}", nil},
		"newline at the end": {"{}\n", nil},
		"without length":     {"{}\n{\"type\":\"event\"}\n{\"a\":1}\n", []string{`{"a":1}`}},
		"with length":        {"{}\n{\"type\":\"event\",\"length\":3}\na\nb\n{\"type\":\"event\"}\n{}", []string{"a\nb", "{}"}},
		"skipped in between": {"{}\n{\"type\":\"attachment\",\"length\":4}\na\nb\n\n{\"type\":\"event\"}\n{}", []string{"{}"}},
	} {
		e, err := read([]byte(c.raw))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, i := range e.Items {
			got = append(got, string(i.Payload))
		}
		if strings.Join(got, "|") != strings.Join(c.items, "|") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestLenientValues(t *testing.T) {
	t.Parallel()
	e, err := DecodeEvent([]byte(`{"event_id":null,"timestamp":"2026-11-29T05:00:00","level":3,"message":{"formatted":"a b","message":"a %s"},"tags":[["k","v"],["bad"],null],
		"exception":{"values":[null,{"type":"T","value":{"a":1}}]},"breadcrumbs":null,"request":null,"user":{"id":7},"unheard_of":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	if e.Message.Text != "a b" || e.Message.Template != "a %s" || e.Tags["k"] != "v" || len(e.Exceptions) != 1 || e.Exceptions[0].Value != `{"a":1}` || e.User.ID != "7" || e.At.IsZero() || e.Level != "3" {
		t.Errorf("read %+v", e)
	}
}

// Fault 3, in memory: what is small to send and large to hold is bounded, and the calls that are kept are the
// innermost.
func TestFault03WhatIsSentGrowsLittleInMemory(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("{},", 300_000)
	frames := `{"frames":[` + many + `{"function":"inner"}]}`
	for name, decode := range map[string]func() (int, error){
		"frames": func() (int, error) {
			e, err := DecodeEvent([]byte(`{"exception":[{"type":"T","stacktrace":` + frames + `}]}`))
			if err != nil || len(e.Exceptions) != 1 {
				return 0, err
			}
			all := e.Exceptions[0].Stack.Frames
			if all[len(all)-1].Function != "inner" {
				t.Error("the innermost call is gone")
			}
			return len(all), nil
		},
		"exceptions": func() (int, error) {
			e, err := DecodeEvent([]byte(`{"exception":[` + many + `{}]}`))
			return len(e.Exceptions), err
		},
		"logs": func() (int, error) {
			all, err := DecodeLogs([]byte(`{"items":[` + many + `{}]}`))
			return len(all), err
		},
		"check-in": func() (int, error) {
			c, err := DecodeCheckIn([]byte(`{"check_in_id":"` + strings.Repeat("x", 1<<19) + `","monitor_slug":"m","status":"ok","monitor_config":{"timezone":"` + strings.Repeat("x", 1<<19) + `"}}`))
			return len(c.ID) + len(c.Monitor.Zone), err
		},
		"headers": func() (int, error) {
			_, err := read([]byte("{}\n" + strings.Repeat(`{"type":"event","length":2,"x":"`+strings.Repeat("x", 60<<10)+"\"}\n{}\n", 100)))
			if errors.Is(err, ErrTooLarge) {
				return 0, nil
			}
			return 6 << 20, err
		},
	} {
		if n, err := decode(); err != nil || n > 1000 {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	all, err := DecodeSpans("transaction", []byte(`{"transaction":"/pay","start_timestamp":10.5,"timestamp":11,"contexts":{"trace":{"trace_id":"t","span_id":"a","op":"http.server","status":"ok"}},
		"spans":[{"trace_id":"t","span_id":"b","parent_span_id":"a","start_timestamp":10.6,"timestamp":10.7,"op":"db","description":"SELECT"},{"span_id":"no trace"}]}`))
	if err != nil || len(all) != 2 || all[0].Name != "/pay" || all[0].Took.Milliseconds() != 500 || all[1].Parent != "a" || all[1].Name != "SELECT" {
		t.Errorf("%+v, %v", all, err)
	}
	all, err = DecodeSpans("span", []byte(`{"items":[{"trace_id":"t","span_id":"b","name":"GET","start_timestamp":10,"end_timestamp":12,"attributes":{"sentry.op":{"value":"http","type":"string"}}}]}`))
	if err != nil || len(all) != 1 || all[0].Op != "http" || all[0].Took.Seconds() != 2 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestDSN(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]DSN{"https://k@host/-/7": {"k", 7}, "http://k:secret@host:1/7": {"k", 7}, "https://host/7": {}, "https://k@host/x": {}, "::": {}} {
		got, ok := ParseDSN(text)
		if ok != (want.Key != "") || ok && got != want {
			t.Errorf("%s: %+v %v", text, got, ok)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, s := range []string{"{}", "{}\n{\"type\":\"event\"}\n{}", "{}\n{\"type\":\"event\",\"length\":3}\na\nb\n", "{\"sent_at\":1e300}\n{\"type\":\"x\",\"length\":99999999999}\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := read(raw)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		total := 0
		for _, i := range e.Items {
			total += len(i.Payload)
		}
		if total > len(raw) {
			t.Errorf("%d bytes of %d", total, len(raw))
		}
	})
}

func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"message":"a","exception":[{"type":"T","stacktrace":{"frames":[{"lineno":1,"pre_context":["a"]}]}}],"timestamp":"x"}`))
	f.Add([]byte(`{"tags":[["a","b"]],"contexts":{"feedback":{"message":"m"},"trace":{}},"spans":[{}],"items":[{"attributes":{"a":{"value":1}}}]}`))
	f.Add([]byte(`{"csp-report":{"violated-directive":"a"},"discarded_events":[{"quantity":1}],"monitor_slug":"a","status":"ok"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		check := func(err error) {
			if err != nil && !errors.Is(err, ErrMalformed) {
				t.Errorf("an error of another kind: %v", err)
			}
		}
		e, err := DecodeEvent(raw)
		check(err)
		if err == nil && strings.Contains(string(e.Message.Text), "\x00") {
			t.Error("a NUL came through")
		}
		_, err = DecodeFeedback(raw)
		check(err)
		_, err = DecodeReport(raw)
		check(err)
		_, err = DecodeLost(raw)
		check(err)
		_, err = DecodeCheckIn(raw)
		check(err)
		lines, err := DecodeLogs(raw)
		check(err)
		for _, l := range lines {
			l.Names()
		}
		for _, kind := range []string{"transaction", "span"} {
			spans, err := DecodeSpans(kind, raw)
			check(err)
			for _, s := range spans {
				if s.Took < 0 {
					t.Error("a span ends before it begins")
				}
			}
		}
	})
}

func FuzzBody(f *testing.F) {
	f.Add("gzip", []byte("\x1f\x8b\x08\x00"))
	f.Add("deflate", []byte("\x78\x9c"))
	f.Add("br", []byte("a"))
	f.Add("zstd", []byte("\x28\xb5\x2f\xfd"))
	f.Fuzz(func(t *testing.T, encoding string, raw []byte) {
		b, err := Body(bytes.NewReader(raw), encoding)
		if err != nil {
			return
		}
		defer b.Close()
		n, _ := io.Copy(io.Discard, b)
		if n > MaxInflated+64<<10 {
			t.Errorf("%d bytes came out of %d", n, len(raw))
		}
	})
}

func FuzzSender(f *testing.F) {
	f.Add("Sentry sentry_version=7, sentry_key=abc", "https://k@host/1")
	f.Fuzz(func(t *testing.T, header, dsn string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header["X-Sentry-Auth"] = []string{header}
		if key := Key(r); strings.ContainsAny(key, ",") {
			t.Errorf("a key of %q is %q", header, key)
		}
		if d, ok := ParseDSN(dsn); ok && (d.Key == "" || d.Project < 1) {
			t.Errorf("%q is %+v", dsn, d)
		}
	})
}
