package flags

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

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
	key := r.PathValue("key")
	about, failure, err := s.contextOf(r, c)
	if err != nil {
		return err
	}
	if failure != nil {
		failure["key"] = key
		return web.JSON(w, http.StatusBadRequest, failure)
	}
	set := s.Snapshot()
	if !c.sees(set.Flag(key)) {
		return web.JSON(w, http.StatusNotFound, map[string]any{"key": web.CleanText(key, 128), "errorCode": rule.FlagNotFound, "errorDetails": "there is no such flag"})
	}
	result := s.evaluate(set, key, about)
	status = http.StatusOK
	if result.ErrorCode != "" {
		status = http.StatusBadRequest
	}
	return web.JSON(w, status, answerOf(result))
}

// ofrepAll answers for all flags that the caller may see, all of one moment. Its
// ETag is of the answer: rules that turn on the time change it by themselves.
func (s *System) ofrepAll(w http.ResponseWriter, r *http.Request) error {
	c, status := askedBy(r)
	if status != 0 {
		w.WriteHeader(status)
		return nil
	}
	about, failure, err := s.contextOf(r, c)
	if err != nil {
		return err
	}
	if failure != nil {
		return web.JSON(w, http.StatusBadRequest, failure)
	}
	since, _ := s.news.now() // before the flags: a change meanwhile is told twice and never missed
	set := s.Snapshot()
	flags := []map[string]any{}
	for _, result := range set.EvaluateAll(about, c.sees) {
		s.counts.add(result.Key, result.Variant)
		flags = append(flags, answerOf(result))
	}
	raw, err := json.Marshal(flags, json.Deterministic(true))
	if err != nil {
		return err
	}
	stream := s.tickets.stream(s.DB.Now())
	tag := digestOf(raw, stream)
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-store")
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified) // OFREP's own meaning of it on a POST
		return nil
	}
	return web.JSON(w, http.StatusOK, map[string]any{"flags": jsontext.Value(raw), "eventStreams": []any{map[string]any{
		"type": "sse", "url": s.URL + stream + "&since=" + since, "inactivityDelaySec": 120}}})
}

// contextOf reads what flags are evaluated for. A failure is OFREP's, without its key.
func (s *System) contextOf(r *http.Request, c caller) (rule.Context, map[string]any, error) {
	raw, _, err := web.ReadBody(r, "application/json")
	if err != nil {
		return nil, nil, err
	}
	var in struct {
		Context jsontext.Value `json:"context"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, map[string]any{"errorCode": rule.ParseError, "errorDetails": "the body is not the JSON that was expected"}, nil
	}
	given := map[string]any{}
	if len(in.Context) > 0 && in.Context.Kind() != 'n' {
		if in.Context.Kind() != '{' || !shallow(in.Context) {
			return nil, invalidContext("the context is an object that does not nest deeply"), nil
		}
		if err := json.Unmarshal(in.Context, &given); err != nil {
			return nil, invalidContext("the context cannot be read"), nil
		}
	}
	if k, ok := given["targetingKey"]; ok {
		if _, isText := k.(string); !isText {
			return nil, invalidContext("targetingKey is a text"), nil
		}
	}
	about, err := s.about(r.Context(), c, given)
	return about, nil, err
}

func invalidContext(why string) map[string]any {
	return map[string]any{"errorCode": "INVALID_CONTEXT", "errorDetails": why}
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

// answerOf is OFREP's evaluationSuccess or evaluationFailure. Without a value the
// caller's own default is meant.
func answerOf(r rule.Result) map[string]any {
	out := map[string]any{"key": r.Key}
	if r.ErrorCode != "" {
		out["errorCode"], out["errorDetails"] = r.ErrorCode, r.ErrorDetails
		return out
	}
	out["reason"] = r.Reason
	if r.Value != nil {
		out["value"], out["variant"] = r.Value, r.Variant
	}
	if len(r.Metadata) > 0 {
		out["metadata"] = r.Metadata
	}
	return out
}

// digestOf is an ETag of what a client has, and of the stream that it hears of changes by.
func digestOf(parts ...any) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%s\n", p)
	}
	return `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18]) + `"`
}

// matches reports whether If-None-Match names a tag (RFC 9110 section 13.1.2).
func matches(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimSpace(t); strings.TrimPrefix(t, "W/") == tag || t == "*" {
			return true
		}
	}
	return false
}
