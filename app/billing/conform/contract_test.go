package conform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/server"
	"github.com/stripe/stripe-mock/spec"
)

// contract is Stripe's description, and what was found to differ from it.
type contract struct {
	doc  *openapi3.T
	mock *server.StubServer
	next http.RoundTripper

	mu    sync.Mutex
	found map[string]bool
	seen  map[string]bool // operations that were used
}

func newContract(next http.RoundTripper) (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(embedded.OpenAPISpec)
	if err != nil {
		return nil, fmt.Errorf("read Stripe's description: %w", err)
	}
	var fixtures spec.Fixtures
	if err := json.Unmarshal(embedded.OpenAPIFixtures, &fixtures); err != nil {
		return nil, err
	}
	var described spec.Spec
	if err := json.Unmarshal(embedded.OpenAPISpec, &described); err != nil {
		return nil, err
	}
	mock, err := server.NewStubServer(&fixtures, &described, true, false)
	if err != nil {
		return nil, err
	}
	return &contract{doc: doc, mock: mock, next: next, found: map[string]bool{}, seen: map[string]bool{}}, nil
}

func (c *contract) differ(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found[fmt.Sprintf(format, args...)] = true
}

func (c *contract) differences() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.found))
}

func (c *contract) used() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.seen))
}

// RoundTrip implements http.RoundTripper: it shows the request to stripe-mock, has the offline
// Stripe answer it, and holds the answer against the description.
func (c *contract) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	said := c.ask(r, body)
	res, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(answer))
	// What the offline Stripe refuses was meant to be refused; all else stripe-mock must take.
	if res.StatusCode < 300 {
		if said != "" {
			c.differ("%s %s: stripe-mock refuses the request: %s", r.Method, r.URL.Path, said)
		}
		c.check(r, answer)
	}
	return res, nil
}

// ask has stripe-mock look at a request, and returns why it refuses it, "" if it does not.
func (c *contract) ask(r *http.Request, body []byte) string {
	copied := r.Clone(r.Context())
	copied.Body, copied.RequestURI = io.NopCloser(bytes.NewReader(body)), ""
	rec := httptest.NewRecorder()
	c.mock.HandleRequest(rec, copied)
	if rec.Code < 300 {
		return ""
	}
	var fault struct{ Error struct{ Message string } }
	json.Unmarshal(rec.Body.Bytes(), &fault)
	return fmt.Sprintf("%d %s", rec.Code, fault.Error.Message)
}

// check holds an answer against the schema of its operation.
func (c *contract) check(r *http.Request, answer []byte) {
	name, op := c.operation(r.Method, r.URL.Path)
	if op == nil {
		c.differ("%s %s: Stripe has no such operation", r.Method, r.URL.Path)
		return
	}
	c.mu.Lock()
	c.seen[name] = true
	c.mu.Unlock()
	media := op.Responses.Status(200).Value.Content.Get("application/json")
	var value any
	if err := json.Unmarshal(answer, &value); err != nil {
		c.differ("%s: the answer is no JSON: %v", name, err)
		return
	}
	err := media.Schema.Value.VisitJSON(value, openapi3.MultiErrors())
	c.explain(name, err)
}

func (c *contract) explain(name string, err error) {
	switch e := err.(type) {
	case nil:
	case openapi3.MultiError:
		for _, one := range e {
			c.explain(name, one)
		}
	case *openapi3.SchemaError:
		at := strings.Join(e.JSONPointer(), ".")
		if e.Origin != nil {
			if _, deeper := e.Origin.(openapi3.MultiError); deeper {
				c.explain(name+" "+at, e.Origin)
				return
			}
		}
		c.differ("%s: %s: %s", name, at, e.Reason)
	default:
		c.differ("%s: %v", name, err)
	}
}

// operation finds what a path is, with names in the place of ids.
func (c *contract) operation(method, path string) (string, *openapi3.Operation) {
	parts := strings.Split(path, "/")
	var best string
	for template := range c.doc.Paths.Map() {
		want := strings.Split(template, "/")
		if len(want) != len(parts) {
			continue
		}
		fits := true
		for i := range want {
			fits = fits && (want[i] == parts[i] || strings.HasPrefix(want[i], "{"))
		}
		if fits && (best == "" || strings.Count(template, "{") < strings.Count(best, "{")) {
			best = template
		}
	}
	if best == "" {
		return "", nil
	}
	return method + " " + best, c.doc.Paths.Find(best).GetOperation(method)
}
