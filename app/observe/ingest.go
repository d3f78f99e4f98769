package observe

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/observe/sentry"
	"seaworthy/app/web"
)

// The endpoints that the SDKs of Sentry know, from the DSN on (spec/observability.md section 4).
const sentryBase = "/-/api/{project}"

// tunnelPath is asked by pages of the app itself, so that nothing between takes it for
// somebody else's: the envelope says in its DSN who sends.
const tunnelPath = "/-/tunnel"

func (s *System) ingestRoutes() []web.Route {
	const why = "takes what programs report, which is kept outside of the business database"
	cross := &web.Cross{Allow: func(string) bool { return true }, Expose: "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After"}
	route := func(method, pattern string, h web.Handler) web.Route {
		r := web.Route{Method: method, Pattern: pattern, Access: web.Public, Handler: sentryAnswer(h), Cross: cross}
		if method == http.MethodPost {
			r.Anywhere, r.Body, r.Exempt = true, sentry.MaxBody, why
		}
		return r
	}
	cron := route("GET", sentryBase+"/cron/{slug}/{key}/{$}", s.cron)
	cronPost := route("POST", sentryBase+"/cron/{slug}/{key}/{$}", s.cron)
	cronPost.Cross = nil
	return []web.Route{
		route("POST", sentryBase+"/envelope/{$}", s.envelope), route("POST", sentryBase+"/store/{$}", s.storeEvent),
		route("POST", sentryBase+"/security/{$}", s.security), route("POST", tunnelPath, s.envelope), cron, cronPost,
	}
}

// sentryAnswer tells errors as SDKs read them: {"detail"}, and the reason in a header.
func sentryAnswer(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		quiet(r)
		err := h(w, r)
		if err == nil {
			return nil
		}
		e := sentryError(err)
		if e.Status >= 500 || e.Status == 499 {
			return err
		}
		if e.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
		}
		w.Header().Set("X-Sentry-Error", e.Public)
		if e.Status == http.StatusRequestEntityTooLarge {
			w.Header().Set("Connection", "close") // the rest of the body is not waited for
		}
		return web.JSON(w, e.Status, map[string]string{"detail": e.Public})
	}
}

// sentryError finds the status of what was wrong with a body.
func sentryError(err error) *web.Error {
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, sentry.ErrTooLarge) || errors.As(err, &large):
		return &web.Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Public: "The request is too large, or grows too much when it is unpacked.", Err: err}
	case errors.Is(err, sentry.ErrEncoding):
		return &web.Error{Status: http.StatusUnsupportedMediaType, Code: "encoding", Public: "The Content-Encoding is not known here.", Err: err}
	case errors.Is(err, sentry.ErrMalformed):
		return &web.Error{Status: http.StatusBadRequest, Code: "malformed", Public: "The body does not have the form of what SDKs send.", Err: err}
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return &web.Error{Status: http.StatusBadRequest, Code: "incomplete_body", Public: "The body ended early.", Err: err}
	}
	return web.AsError(err)
}

// errSender is the same for a key that is not there, one that was revoked and one of another project.
var errSender = &web.Error{Status: http.StatusForbidden, Code: "unknown_key", Public: "There is no such project with this key."}

// errLoop is for what this process sent to itself, by whatever name it knows itself.
var errLoop = &web.Error{Status: http.StatusForbidden, Code: "loop", Public: "SENTRY_DSN leads to this installation itself."}

// open checks who sends and whether he may, before anything of the body is read, and then
// opens it. Without a key outside, the envelope's DSN names the sender.
func (s *System) open(w http.ResponseWriter, r *http.Request) (p Project, body io.ReadCloser, err error) {
	if r.Header.Get(loopHeader) == s.process {
		return p, nil, errLoop
	}
	id, err := projectOf(r)
	if err != nil {
		return p, nil, err
	}
	if r.ContentLength > sentry.MaxBody {
		return p, nil, sentry.ErrTooLarge
	}
	if key := sentry.Key(r); key != "" {
		ok := false
		if p, ok = s.sender(id, key); !ok {
			return p, nil, errSender
		}
		if err := s.within(w, p); err != nil {
			return p, nil, err
		}
	}
	body, err = sentry.Body(r.Body, r.Header.Get("Content-Encoding"))
	return p, body, err
}

// projectOf is the number in the path, 0 where the path has none.
func projectOf(r *http.Request) (int64, error) {
	text := r.PathValue("project")
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, errSender
	}
	return id, nil
}

// limited are the kinds a sender that is over its quota is asked to hold back. Check-ins
// are not among them: one that is missing is an alarm.
const limited = "default;error;transaction;span;log_item;session;feedback;security:project:quota"

// within counts a request against the project's quota, and tells its sender to be quiet
// when it is spent.
func (s *System) within(w http.ResponseWriter, p Project) error {
	wait, ok := s.quotas.take(p, s.now())
	if ok {
		return nil
	}
	s.drops.count("event", "quota", 1)
	wait = max(wait.Round(time.Second), time.Second)
	w.Header().Set("X-Sentry-Rate-Limits", strconv.Itoa(int(wait.Seconds()))+":"+limited)
	w.Header().Set("Connection", "close")
	return &web.Error{Status: http.StatusTooManyRequests, Code: "quota", RetryAfter: wait, Public: "The project sent as much as it may in this minute."}
}

func (s *System) envelope(w http.ResponseWriter, r *http.Request) error {
	p, body, err := s.open(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	counted := &counting{r: body}
	in := bufio.NewReaderSize(counted, 16<<10)
	h, err := sentry.ReadHeader(in)
	if err != nil {
		return err
	}
	if p.ID == 0 {
		if p, err = s.byDSN(w, r, string(h.DSN)); err != nil {
			return err
		}
	}
	defer func() { s.quotas.spend(p, s.now(), sent(r, counted.n)) }()
	e, err := sentry.ReadItems(in, h, s.forwarding(r, p) != nil)
	if err != nil {
		return err
	}
	id, err := s.receive(r, p, e)
	return answer(w, id, err)
}

// byDSN finds the sender that an envelope names itself.
func (s *System) byDSN(w http.ResponseWriter, r *http.Request, dsn string) (Project, error) {
	d, ok := sentry.ParseDSN(dsn)
	if id, err := projectOf(r); err != nil || !ok || id != 0 && id != d.Project {
		return Project{}, errSender
	}
	p, ok := s.sender(d.Project, d.Key)
	if !ok {
		return Project{}, errSender
	}
	return p, s.within(w, p)
}

// storeEvent is the older endpoint, of which the body is one event.
func (s *System) storeEvent(w http.ResponseWriter, r *http.Request) error {
	raw, p, err := s.whole(w, r)
	if err != nil {
		return err
	}
	e := &sentry.Envelope{Items: []sentry.Item{{Type: "event", Payload: raw}}}
	id, err := s.receive(r, p, e)
	return answer(w, id, err)
}

// security takes what browsers report of a policy that was violated.
func (s *System) security(w http.ResponseWriter, r *http.Request) error {
	raw, p, err := s.whole(w, r)
	if err != nil {
		return err
	}
	report, err := sentry.DecodeReport(raw)
	if err != nil {
		return err
	}
	s.keep(p, report, time.Time{})
	s.forward(r, p, &sentry.Envelope{Items: []sentry.Item{{Type: "raw_security", Payload: raw}}}, newKey())
	w.WriteHeader(http.StatusCreated)
	return nil
}

// whole reads a body that is one JSON value.
func (s *System) whole(w http.ResponseWriter, r *http.Request) ([]byte, Project, error) {
	p, body, err := s.open(w, r)
	if err != nil {
		return nil, p, err
	}
	defer body.Close()
	if p.ID == 0 {
		return nil, p, errSender
	}
	raw, err := io.ReadAll(io.LimitReader(body, sentry.MaxEvent+1))
	s.quotas.spend(p, s.now(), sent(r, int64(len(raw))))
	if err == nil && len(raw) > sentry.MaxEvent {
		err = sentry.ErrTooLarge
	}
	return raw, p, err
}

// cron takes a check-in that is an address. It is never refused for its number, else a job
// that runs would look like one that does not.
func (s *System) cron(w http.ResponseWriter, r *http.Request) error {
	id, err := projectOf(r)
	if err != nil {
		return err
	}
	p, ok := s.sender(id, r.PathValue("key"))
	if !ok {
		return errSender
	}
	q := r.URL.Query()
	c := sentry.CheckIn{ID: sentry.Text(clip(q.Get("check_in_id"), 64)), Slug: sentry.Text(r.PathValue("slug")), Status: sentry.Text(q.Get("status")), Environment: sentry.Text(clip(q.Get("environment"), 100))}
	if c.Status == "" {
		c.Status = "ok"
	}
	if err := c.Check(); err != nil {
		return err
	}
	s.checkIn(p, c)
	if payload, err := json.Marshal(map[string]string{"check_in_id": or(eventID(string(c.ID)), newKey()), "monitor_slug": string(c.Slug), "status": string(c.Status), "environment": or(string(c.Environment), "production")}); err == nil {
		s.forward(r, p, &sentry.Envelope{Items: []sentry.Item{{Type: "check_in", Payload: payload}}}, "")
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// answer is what SDKs expect: the event's id, or an empty object where there was none.
func answer(w http.ResponseWriter, id string, err error) error {
	if err != nil {
		return err
	}
	if id == "" {
		return web.JSON(w, http.StatusOK, struct{}{})
	}
	return web.JSON(w, http.StatusOK, map[string]string{"id": id})
}

type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// sent is how many bytes a request took: as it says, else as they came out unpacked.
func sent(r *http.Request, unpacked int64) int64 {
	if r.ContentLength > 0 {
		return r.ContentLength
	}
	return unpacked
}

// eventID is an id as SDKs compare them: 32 lower-case hex digits; "" for what is none.
func eventID(text string) string {
	id := strings.ToLower(strings.ReplaceAll(text, "-", ""))
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		return ""
	}
	return id
}
