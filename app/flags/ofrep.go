package flags

import (
	"net/http"
	"strings"

	"seaworthy/app/flags/rule"
	"seaworthy/app/web"
)

// The OpenFeature Remote Evaluation Protocol, version 0.3 (open-feature/protocol,
// service/openapi.yaml), so that every OpenFeature SDK works as it is.
const (
	ofrepBulk   = "/-/ofrep/v1/evaluate/flags"
	ofrepSingle = ofrepBulk + "/{key}"
	ofrepEvents = "/-/ofrep/v1/events"
)

// maxContext bounds a request, in bytes, and how deep its context nests.
const (
	maxContext      = 256 << 10
	maxContextDepth = 32
)

func (s *System) ofrepRoutes() []web.Route {
	const asks = "asking what a flag says changes nothing"
	cross := &web.Cross{Allow: s.allows, Expose: "ETag"}
	return []web.Route{
		{Method: "POST", Pattern: ofrepSingle, Access: web.Public, Handler: s.ofrepOne, Exempt: asks, Body: maxContext, Cross: cross},
		{Method: "POST", Pattern: ofrepBulk, Access: web.Public, Handler: s.ofrepAll, Exempt: asks, Body: maxContext, Cross: cross},
		{Method: "GET", Pattern: ofrepEvents, Access: web.Public, Handler: s.events, Cross: cross},
	}
}

// allows reports whether pages of an origin may ask with a key.
func (s *System) allows(origin string) bool {
	for _, o := range s.Origins {
		if o == "*" || strings.EqualFold(o, origin) {
			return true
		}
	}
	return false
}

// askedBy is who asks; without credentials, or without the permission, the status
// that OFREP gives without a body.
func askedBy(r *http.Request) (c caller, status int) {
	c.id = web.IdentityOf(r.Context())
	switch {
	case !c.id.Known():
		return c, http.StatusUnauthorized
	case c.id.Person():
		c.client = true
	case c.id.Can(permEvaluate):
		c.trusted = c.id.Can(permTrust)
	case c.id.Can(permClient):
		c.client = true
	default:
		return c, http.StatusForbidden
	}
	return c, 0
}

// sees reports whether a caller may know of a flag.
func (c caller) sees(f *rule.Flag) bool { return f != nil && (!c.client || f.Client) }

// ofrepOne answers for one flag.
func (s *System) ofrepOne(w http.ResponseWriter, r *http.Request) error {
	c, status := askedBy(r)
	if status != 0 {
		w.WriteHeader(status)
		return nil
	}
	sent, err := sentContext(r)
	if err != nil {
		return err
	}
	key, set := r.PathValue("key"), s.Snapshot()
	f := set.Flag(key)
	if !c.sees(f) {
		return errNoFlag
	}
	about := rule.Context(nil)
	if !f.Constant() { // else no rule looks at it
		if about, err = s.about(r.Context(), c, sent); err != nil {
			return err
		}
	}
	result := s.evaluate(set, key, about)
	status = http.StatusOK
	if result.ErrorCode != "" {
		status = http.StatusBadRequest
	}
	raw, err := result.AppendJSON(make([]byte, 0, 256))
	if err != nil {
		return err
	}
	return reply(w, status, raw)
}

// ofrepAll answers for all flags that the caller may see, all of one moment. Its
// ETag is of the answer: rules that turn on the time change it by themselves.
func (s *System) ofrepAll(w http.ResponseWriter, r *http.Request) error {
	c, status := askedBy(r)
	if status != 0 {
		w.WriteHeader(status)
		return nil
	}
	sent, err := sentContext(r)
	if err != nil {
		return err
	}
	about, err := s.about(r.Context(), c, sent)
	if err != nil {
		return err
	}
	since, _ := s.news.now() // before the flags: a change meanwhile is told twice and never missed
	a := s.answers.take()
	defer s.answers.give(a)
	if err := a.fill(s.Snapshot().EvaluateAll(about, c.sees)); err != nil {
		return err
	}
	stream := s.tickets.stream(s.DB.Now(), c.id)
	tag := digestOf(a.raw, stream)
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-store")
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified) // OFREP's own meaning of it on a POST
		return nil
	}
	s.counts.addAll(a.given)
	return reply(w, http.StatusOK, a.end(s.URL+stream+"&since="+since))
}
