package stripesim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	mostBody  = 1 << 20
	mostDeep  = 4 // levels of expand
	keepReply = 24 * time.Hour
)

// endpoint is one thing the API does.
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

// reply is an answer that is given again to who asks with the same key.
type reply struct {
	asked  string
	status int
	body   []byte
	id     string
	at     time.Time
}

// API serves /v1/...
func (s *Sim) API() http.Handler {
	mux := http.NewServeMux()
	for _, e := range s.endpoints() {
		mux.HandleFunc(e.pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, e) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		write(w, "", nil, &Error{Status: 404, Type: "invalid_request_error", Message: fmt.Sprintf("Unrecognized request URL (%s: %s).", r.Method, r.URL.Path)})
	})
	return mux
}

// RoundTrip answers a request without a network, so that a client of Stripe's can be
// given the simulator as its transport.
func (s *Sim) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	w := &answer{header: http.Header{}, status: http.StatusOK}
	s.API().ServeHTTP(w, r)
	if w.lost {
		return nil, errors.New("the connection was cut before the answer came")
	}
	return &http.Response{StatusCode: w.status, Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r}, nil
}

// answer is a response in memory.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
	lost   bool
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

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
	status, body, request := s.once(r, c, asked, e, fault.stale)
	if fault.lost {
		lose(w)
		return
	}
	w.Header().Set("Request-Id", request)
	if k := r.Header.Get("Idempotency-Key"); k != "" {
		w.Header().Set("Idempotency-Key", k)
	}
	send(w, status, body)
}

// lose cuts the connection: what was asked is done, and nobody hears of it.
func lose(w http.ResponseWriter) {
	if a, ok := w.(*answer); ok {
		a.lost = true
		return
	}
	panic(http.ErrAbortHandler)
}

// read decodes a request; GET has its parameters in the address.
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
	for _, path := range f.texts("expand") {
		if strings.Count(path, ".") >= mostDeep+strings.Count("."+path, ".data.") {
			return nil, "", invalid("expand", "You cannot expand more than 4 levels of a property: "+path)
		}
	}
	return &call{Sim: s, f: f, id: r.PathValue("id"), path: r.URL.Path}, r.Method + " " + r.URL.Path + "?" + raw, nil
}

// once runs a call, or gives the answer that its key had before
// (docs.stripe.com/api/idempotent_requests).
func (s *Sim) once(r *http.Request, c *call, asked string, e endpoint, stale bool) (status int, body []byte, request string) {
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost {
		key = ""
	}
	var bad *Error
	var out object
	err := s.change(r.Context(), func() error {
		if before, known := s.replies[key]; key != "" && known && s.now().Sub(before.at) < keepReply {
			status, body, request = before.status, before.body, before.id
			if before.asked != asked {
				bad = &Error{Status: 400, Type: "idempotency_error", Message: "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '" + key + "' if you meant to execute a different request."}
				status, body, request = 0, nil, ""
			}
			return nil
		}
		request = s.newID("req")
		seq := s.seq
		c.clockOf()
		defer func() { s.step = time.Time{} }()
		if out, bad = e.run(c); bad != nil && !bad.keep || c.dryRun {
			s.rollback(seq)
			clear(s.undo)
		}
		if bad == nil {
			out = s.show(out, c.f.texts("expand")...)
		}
		return nil
	})
	if err != nil {
		s.o.Log.Error("the Stripe simulator could not save", "err", err)
		bad = &Error{Status: 500, Type: "api_error", Message: "The simulator could not save."}
	}
	if body != nil {
		return status, body, request
	}
	status = http.StatusOK
	if bad != nil {
		status, out = bad.Status, bad.body()
	}
	if body, err = json.Marshal(out); err != nil {
		status, body = 500, []byte(`{"error":{"type":"api_error","message":"The simulator could not answer."}}`)
	}
	if stale {
		body = s.stale(asked, body)
	}
	if key != "" && (bad == nil || bad.Type != "idempotency_error") {
		s.mu.Lock()
		s.replies[key] = reply{asked, status, body, request, s.now()}
		s.mu.Unlock()
	}
	return status, body, request
}

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

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Stripe-Version", Version)
	w.WriteHeader(status)
	w.Write(body)
}

// list answers a page of a kind's objects that keep says yes to.
func (c *call) list(kind string, keep func(object) bool) (object, *Error) {
	limit, bad := c.f.num("limit", 10)
	if bad != nil {
		return nil, bad
	}
	if limit < 1 || limit > 100 {
		return nil, invalid("limit", "This value must be between 1 and 100.")
	}
	var rows []object
	for _, o := range c.all(kind) {
		if (keep == nil || keep(o)) && c.within(o) {
			rows = append(rows, o)
		}
	}
	return c.page(kind, rows, int(limit))
}

// page cuts the rows between the cursors.
func (c *call) page(kind string, rows []object, limit int) (object, *Error) {
	find := func(name string) (int, *Error) {
		for i, o := range rows {
			if o.str("id") == c.f.str(name) {
				return i, nil
			}
		}
		return 0, missing(kind, c.f.str(name), name)
	}
	more := false
	if c.f.has("ending_before") {
		i, bad := find("ending_before")
		if bad != nil {
			return nil, bad
		}
		from := max(0, i-limit)
		rows, more = rows[from:i], from > 0
	} else {
		if c.f.has("starting_after") {
			i, bad := find("starting_after")
			if bad != nil {
				return nil, bad
			}
			rows = rows[i+1:]
		}
		if len(rows) > limit {
			rows, more = rows[:limit], true
		}
	}
	l := listOf((&url.URL{Path: c.path}).String(), rows)
	l["has_more"] = more
	return l, nil
}

// within reports whether an object was made in the range that was asked for.
func (c *call) within(o object) bool {
	at := o.num("created")
	if exact := c.f.str("created"); exact != "" {
		n, bad := c.f.num("created", 0)
		return bad == nil && n == at
	}
	span := c.f.sub("created")
	for name, ok := range map[string]func(int64) bool{
		"gt": func(n int64) bool { return at > n }, "gte": func(n int64) bool { return at >= n },
		"lt": func(n int64) bool { return at < n }, "lte": func(n int64) bool { return at <= n },
	} {
		if n, bad := span.num(name, 0); span.has(name) && (bad != nil || !ok(n)) {
			return false
		}
	}
	return true
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
