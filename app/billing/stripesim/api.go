package stripesim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	mostBody  = 1 << 20
	mostDeep  = 4 // levels of expand, as in Stripe
	keepReply = 24 * time.Hour
)

// endpoint is one thing the API does. A parameter that it does not name is refused, as
// Stripe does: a misspelt one would otherwise go unnoticed until it is live.
type endpoint struct {
	pattern string // as http.ServeMux takes it
	allow   string // names of parameters, separated by spaces
	run     func(c *call) (object, *Error)
}

// call is one request of the API.
type call struct {
	*Sim
	f      form
	id     string // of the object in the address
	path   string
	dryRun bool // nothing of it is kept
}

// API serves /v1/...
func (s *Sim) API() http.Handler { return s.api }

func (s *Sim) newAPI() http.Handler {
	mux := http.NewServeMux()
	for _, e := range s.endpoints() {
		mux.HandleFunc(e.pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, e) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		write(w, "", nil, &Error{Status: 404, Type: "invalid_request_error", Message: fmt.Sprintf("Unrecognized request URL (%s: %s).", r.Method, r.URL.Path)})
	})
	return mux
}

// serve is one request, from its key to its answer. A live key is refused, so that
// nobody's real account is ever mistaken for this; so is another version of the API,
// because objects would come in a form that the caller does not expect. Faults come
// before anything is done, but for the one that loses the answer.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request, e endpoint) {
	key, _, basic := r.BasicAuth()
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && !basic {
		key = bearer
	}
	switch {
	case key == "":
		write(w, "", nil, &Error{Status: 401, Type: "invalid_request_error", Message: "You did not provide an API key."})
		return
	case strings.Contains(key, "_live_"):
		write(w, "", nil, &Error{Status: 401, Type: "invalid_request_error", Message: "This is a simulator, and the key is one of live mode."})
		return
	}
	if v := r.Header.Get("Stripe-Version"); v != "" && v != Version {
		write(w, "", nil, invalid("", "Only version "+Version+" is simulated, not "+v+"."))
		return
	}
	fault := s.apiFault(r)
	if fault.slow > 0 {
		select {
		case <-time.After(fault.slow):
		case <-r.Context().Done():
			return
		}
	}
	if fault.err != nil {
		write(w, "", nil, fault.err)
		return
	}
	c, asked, bad := s.read(w, r, e)
	if bad != nil {
		write(w, "", nil, bad)
		return
	}
	made := s.once(r, c, asked, e, fault.stale)
	if fault.lost {
		lose(w)
		return
	}
	w.Header().Set("Request-Id", made.id)
	if k := r.Header.Get("Idempotency-Key"); k != "" {
		w.Header().Set("Idempotency-Key", k)
	}
	send(w, made.status, made.body)
}

// read decodes a request. GET has its parameters in the address, everything else in a
// form in the body, in any order; both mean the same here.
func (s *Sim) read(w http.ResponseWriter, r *http.Request, e endpoint) (*call, string, *Error) {
	raw := r.URL.RawQuery
	if r.Method != http.MethodGet {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
		if err != nil {
			return nil, "", &Error{Status: 413, Type: "invalid_request_error", Message: "The request is too large."}
		}
		raw = strings.TrimPrefix(raw+"&"+string(body), "&")
	}
	f, bad := parseForm(strings.Trim(raw, "&"))
	if bad == nil {
		bad = f.only(e.allow)
	}
	if bad != nil {
		return nil, "", bad
	}
	for _, path := range f.texts("expand") { // "data." of a list is no level
		if strings.Count(path, ".") >= mostDeep+strings.Count("."+path, ".data.") {
			return nil, "", invalid("expand", "You cannot expand more than 4 levels of a property: "+path)
		}
	}
	return &call{Sim: s, f: f, id: r.PathValue("id"), path: r.URL.Path}, r.Method + " " + r.URL.Path + "?" + raw, nil
}

// write answers what never came to run. It has an id all the same: people send it along
// when they ask what went wrong.
func write(w http.ResponseWriter, request string, out object, bad *Error) {
	status := http.StatusOK
	if bad != nil {
		status, out = bad.Status, bad.body()
		if bad.retry != "" {
			w.Header().Set("Stripe-Should-Retry", bad.retry)
		}
	}
	w.Header().Set("Request-Id", "req_refused")
	body, err := json.Marshal(out)
	if err != nil {
		status, body = 500, []byte(`{"error":{"type":"api_error"}}`)
	}
	send(w, status, body)
}

// send is the end of every answer.
func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Stripe-Version", Version)
	w.WriteHeader(status)
	w.Write(body)
}

// the finds an object of a kind.
func (c *call) the(kind, id, param string) (object, *Error) {
	o := c.objects[id]
	if o == nil || o.str("object") != kind {
		return nil, missing(kind, id, param)
	}
	return o, nil
}

// own is the object in the address, to be changed.
func (c *call) own(kind string) (object, *Error) {
	if _, bad := c.the(kind, c.id, "id"); bad != nil {
		return nil, bad
	}
	return c.edit(c.id), nil
}
