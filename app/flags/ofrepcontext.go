package flags

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
)

// sentContext reads the context that a request has.
func sentContext(r *http.Request) (map[string]any, error) {
	raw, _, err := web.ReadBody(r, "application/json")
	if err != nil {
		return nil, err
	}
	return readContext(raw)
}

// readContext reads the body of a request.
func readContext(raw []byte) (map[string]any, error) {
	var in struct {
		Context jsontext.Value `json:"context"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, errNotJSON
	}
	given := map[string]any{}
	if len(in.Context) > 0 && in.Context.Kind() != 'n' {
		if in.Context.Kind() != '{' || !shallow(in.Context) {
			return nil, invalidContext("the context is an object that does not nest deeply")
		}
		if err := json.Unmarshal(in.Context, &given); err != nil {
			return nil, invalidContext("the context cannot be read")
		}
	}
	if k, ok := given["targetingKey"]; ok {
		if _, isText := k.(string); !isText {
			return nil, invalidContext("targetingKey is a text")
		}
	}
	return given, nil
}

// shallow reports whether JSON nests no deeper than a context may.
func shallow(v jsontext.Value) bool {
	for d := jsontext.NewDecoder(bytes.NewReader(v)); ; {
		if _, err := d.ReadToken(); err != nil {
			return errors.Is(err, io.EOF)
		}
		if d.StackDepth() > maxContextDepth {
			return false
		}
	}
}
