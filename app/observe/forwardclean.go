package observe

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"

	"seaworthy/app/observe/sentry"
	"seaworthy/app/redact"
)

// never are kinds of items that are not forwarded, because nobody can look for secrets in them:
// files, and recordings of screens.
var never = map[string]bool{"attachment": true, "replay_event": true, "replay_recording": true, "replay_video": true}

// forwardable is an item as it goes to somebody else, without secrets: its line and its payload. False
// for what cannot be read.
func forwardable(item sentry.Item) (out []byte, ok bool) {
	payload, ok := cleanJSON(item.Payload)
	if never[item.Type] || !ok {
		return nil, false
	}
	head := map[string]any{}
	if item.Head != nil {
		if head, ok = objectOf(item.Head); !ok {
			return nil, false
		}
	}
	head["type"], head["length"] = item.Type, len(payload)
	line, err := plainJSON(head)
	if err != nil {
		return nil, false
	}
	return append(append(append(line, '\n'), payload...), '\n'), true
}

// forwardHead is the first line of an envelope for somebody else: our key is not theirs.
func forwardHead(h sentry.Header, id, key string) ([]byte, error) {
	in, _ := objectOf(h.Raw)
	out := map[string]any{}
	for _, name := range []string{"sent_at", "sdk", "trace"} {
		if v, ok := in[name]; ok {
			out[name] = v
		}
	}
	if id != "" {
		out["event_id"] = id
	}
	if trace, ok := out["trace"].(map[string]any); ok {
		trace["public_key"] = key
	}
	line, err := plainJSON(out)
	return append(line, '\n'), err
}

// objectOf reads a JSON object without its secrets; false for what is none.
func objectOf(raw []byte) (map[string]any, bool) {
	v, ok := decodeJSON(raw)
	if !ok {
		return nil, false
	}
	o, ok := hideIn(v).(map[string]any)
	return o, ok
}

// cleanJSON is any JSON value without its secrets.
func cleanJSON(raw []byte) ([]byte, bool) {
	v, ok := decodeJSON(raw)
	if !ok {
		return nil, false
	}
	out, err := plainJSON(hideIn(v))
	return out, err == nil
}

// decodeJSON keeps numbers as they are written.
func decodeJSON(raw []byte) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil || d.More() {
		return nil, false
	}
	return v, true
}

// plainJSON writes a value on one line.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// harmless are names of the protocol that only sound as if they hid something.
var harmless = map[string]bool{"discarded_events": true}

func secretName(name string) bool {
	return redact.Name(strings.ReplaceAll(name, "-", "_")) && !harmless[name]
}

// hideIn hides what is secret by its name or its looks, at any depth: as the member of an object, as
// {"key", "value"}, as an attribute {"name": {"value"}}, and as a pair ["name", "value"].
func hideIn(v any) any {
	switch v := v.(type) {
	case string:
		return hideText(v)
	case []any:
		if len(v) == 2 {
			if name, ok := v[0].(string); ok && secretName(name) {
				return []any{name, hideValue(v[1])}
			}
		}
		for i := range v {
			v[i] = hideIn(v[i])
		}
	case map[string]any:
		return hideObjectIn(v)
	}
	return v
}

func hideObjectIn(in map[string]any) map[string]any {
	out := make(map[string]any, len(in))
	for name, v := range in {
		switch {
		case secretName(name):
			v = hideValue(v)
		case isQuery(name):
			v = hideQueryIn(v)
		default:
			v = hideIn(v)
		}
		out[redact.Text(name)] = v
	}
	for _, key := range []string{"key", "name"} {
		if name, ok := out[key].(string); ok && secretName(name) && out["value"] != nil {
			out["value"] = redact.Hidden
		}
	}
	return out
}

// hideValue hides a value, and of an attribute its value: the form stays what the protocol wants.
func hideValue(v any) any {
	if v == nil {
		return nil
	}
	if o, ok := v.(map[string]any); ok && o["value"] != nil && o["type"] != nil {
		return map[string]any{"value": redact.Hidden, "type": "string"}
	}
	return redact.Hidden
}

// hideText hides in a text what looks like a secret, and in an address what its parameters hold.
func hideText(text string) string {
	scheme := strings.Index(text, "://")
	if scheme > 0 && scheme < 20 && len(text) <= 2<<10 && strings.ContainsAny(text, "?@#") && !strings.ContainsAny(text, " \t\r\n") {
		return hideURL(text, "")
	}
	return redact.Text(text)
}

// isQuery reports whether behind a name stands the query of an address.
func isQuery(name string) bool { return name == "query_string" || strings.HasSuffix(name, ".query") }

// hideQueryIn is hideIn for a query, also where it is the value of an attribute.
func hideQueryIn(v any) any {
	switch q := v.(type) {
	case string:
		return hideQuery(q)
	case map[string]any:
		if text, ok := q["value"].(string); ok {
			q["value"] = hideQuery(text)
		}
	}
	return hideIn(v)
}

// hideQuery hides the values of secret parameters, also where SDKs write the query as JSON.
func hideQuery(query string) string {
	if strings.HasPrefix(query, "[") || strings.HasPrefix(query, "{") {
		if clean, ok := cleanJSON([]byte(query)); ok {
			return string(clean)
		}
	}
	return redact.Text(hideParameters(query))
}

// hideParameters hides the values of parameters by their names.
func hideParameters(query string) string {
	parts := strings.Split(query, "&")
	for i, p := range parts {
		name, _, ok := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(strings.TrimPrefix(name, "?")); ok && (err != nil || secretName(plain)) {
			parts[i] = name + "=hidden"
		}
	}
	return strings.Join(parts, "&")
}
