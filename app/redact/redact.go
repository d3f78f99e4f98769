// Package redact hides what nobody should read over a shoulder in what jobs were given.
package redact

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"unicode/utf8"
)

// secretName is a name behind which a job's arguments may hold what nobody should read
// over a shoulder.
var secretName = regexp.MustCompile(`(?i)pass(word|phrase|wd)?$|secret|token|api_?key|credential|authori[sz]ation|cookie|private|signature|card|cvc|iban|^(code|otp|pin|ssn)$`)

const hidden = "•••"

// JSON is a job's arguments or output for people: indented, with the values
// behind telling names hidden. What is no JSON, as one that was cut off, is shown as Text.
func JSON(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil || more(d) {
		if !utf8.Valid(raw) {
			return "(not text)"
		}
		return Text(string(raw))
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(redacted(v)); err != nil {
		return "(not shown)"
	}
	return string(bytes.TrimSpace(out.Bytes()))
}

// more reports whether something follows the value that was read.
func more(d *json.Decoder) bool {
	_, err := d.Token()
	return err != io.EOF
}

func redacted(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if secretName.MatchString(name) && inner != nil {
				v[name] = hidden
			} else {
				v[name] = redacted(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = redacted(v[i])
		}
	}
	return v
}
