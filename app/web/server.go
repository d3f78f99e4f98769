package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/klauspost/compress/gzhttp"

	"seaworthy/queue"
	"seaworthy/store/trail"
)

const assetPattern = "GET /-/assets/{hash}/{path...}"

// defaultBody bounds a request body, in bytes, where a route says nothing.
const defaultBody = 64 << 10

// Options are what a Server needs of the rest of the app.
type Options struct {
	Log            *slog.Logger
	Clock          func() time.Time
	NewID          func(prefix string) string
	TrustedProxies []netip.Prefix
	Production     bool
	Pages          *Pages
	Static         *Static
	Sessions       *scs.SessionManager
	Guard          Guard
	Limiter        *Limiter
	Home           http.Handler                          // whatever is not under /-/, where there is no Front
	Front          Front                                 // the app behind; nil: there is none
	Observe        func(*Origin, int, time.Duration)     // after each request; may be nil
	Refused        func(context.Context, Route, *Error)  // somebody may not make a change that he tried; may be nil
	Dialects       []Dialect                             // of protocols whose errors have a form of their own
	Capture        func(context.Context, Fault)          // each request that failed by our fault; may be nil
	Replies        *Replies                              // answers for who repeats a request; nil: none are kept
	Stop           <-chan struct{}                       // closed when the process is about to stop; may be nil
	Writable       func(context.Context, Org) error      // why an org may not be changed now; nil: all may
	Within         func(context.Context) context.Context // what handlers find in their context; may be nil
}

// Server is the one http.Handler of the app.
type Server struct {
	Options
	log     *slog.Logger
	pages   *Pages
	mux     *http.ServeMux
	routes  []Route
	doors   map[string]func() (leave func(), err error) // by method and path
	handler http.Handler
	alien   *http.CrossOriginProtection // what another site's page sent, whatever route it is for
	seats   chan struct{}               // of pages that listen to changes
}

// NewServer builds the mux from the routes. Two routes for one pattern are an error.
func NewServer(o Options, routes []Route) (s *Server, err error) {
	s = &Server{Options: o, log: o.Log, pages: o.Pages, mux: http.NewServeMux(), routes: routes, doors: map[string]func() (func(), error){},
		alien: http.NewCrossOriginProtection(), seats: make(chan struct{}, maxStreams)}
	defer func() {
		if v := recover(); v != nil { // http.ServeMux panics on a conflict
			err = fmt.Errorf("routes: %v", v)
		}
	}()
	for _, route := range routes {
		if err := route.Access.check(route); err != nil {
			return nil, err
		}
		if route.Enter != nil {
			s.doors[route.Method+" "+route.Pattern] = route.Enter
		}
		s.mux.Handle(route.Method+" "+route.Pattern, route.Cross.wrap(s.adapt(route)))
		if route.Cross != nil {
			s.mux.Handle("OPTIONS "+route.Pattern, http.HandlerFunc(route.Cross.preflight))
		}
	}
	files := http.NewServeMux() // beside the chain: a file needs no session
	files.Handle(assetPattern, o.Static)

	s.Sessions.ErrorFunc = s.respondError
	var h http.Handler = http.HandlerFunc(s.dispatch)
	h = s.session(h)
	h = s.crossOrigin(h)
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.RandomJitter(32, 0, false))
	if err != nil {
		return nil, err
	}
	pages := compress(h)
	inside := s.headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave, admitted := s.atDoor(w, r)
		if !admitted {
			return
		}
		defer leave()
		if _, pattern := files.Handler(r); pattern == assetPattern {
			OriginOf(r.Context()).Route = assetPattern
			files.ServeHTTP(w, r)
			return
		}
		if r.Header.Get("Accept") == eventStream { // which compression would hold back
			h.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	}))
	s.handler = s.outermost(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Front != nil && !ours(r) {
			s.front(w, r)
			return
		}
		inside.ServeHTTP(w, r)
	}))
	return s, nil
}

// Routes are all routes, for the API description and the tests.
func (s *Server) Routes() []Route { return s.routes }

// ServeHTTP makes the request's origin, then: headers, compression, cross-origin
// check, session, route, identity, limit, access, handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Server) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := &Origin{
			RequestID: s.NewID("req"), Start: time.Now(), Route: "unmatched",
			Addr: clientAddr(r, s.TrustedProxies), UserAgent: CleanText(r.UserAgent(), 512), Stop: s.Stop, seats: s.seats,
		}
		_, origin.Bearer = Bearer(r)
		origin.Trace, origin.Parent = traceOf(r.Header)
		rec := &recorder{ResponseWriter: w, stop: s.Stop}
		rec.Header().Set("X-Request-Id", origin.RequestID)
		ctx := WithOrigin(r.Context(), origin)
		if s.Within != nil {
			ctx = s.Within(ctx)
		}
		r = r.WithContext(ctx)
		defer func() {
			v := recover()
			if v == http.ErrAbortHandler { // the answer broke off, which its client has to see
				s.logRequest(r, origin, rec)
				panic(v)
			}
			if v != nil {
				p := &PanicError{Value: v, Stack: string(debug.Stack())}
				s.log.ErrorContext(r.Context(), "panic", "panic", fmt.Sprint(v), "stack", p.Stack, "request_id", origin.RequestID)
				if rec.status == 0 {
					s.respondError(rec, r, p)
				} else {
					s.capture(r, p, rec.status)
				}
			}
			s.logRequest(r, origin, rec)
		}()
		next.ServeHTTP(rec, r)
		if rec.status == 0 { // an answer of a header alone
			rec.sayGoodbye()
		}
	})
}

func (s *Server) logRequest(r *http.Request, o *Origin, rec *recorder) {
	took := time.Since(o.Start)
	if s.Observe != nil && !o.Streams {
		s.Observe(o, rec.status, took)
	}
	level := slog.LevelInfo
	if o.Route == assetPattern || strings.HasSuffix(o.Route, "z") || o.Quiet {
		level = slog.LevelDebug
	}
	// The pattern and not the path: paths carry tokens.
	s.log.LogAttrs(r.Context(), level, "request", slog.String("method", r.Method), slog.String("route", o.Route),
		slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes), slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("request_id", o.RequestID), slog.String("user", o.Identity.User), slog.String("key", o.Identity.Key), slog.String("ip", o.Addr.String()))
}

// dispatch finds the route. What the mux answers itself (404, 405) gets our form.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/-/") && s.Home != nil {
		OriginOf(r.Context()).Route = "home"
		s.Home.ServeHTTP(w, r)
		return
	}
	handler, pattern := s.mux.Handler(r)
	if pattern != "" {
		OriginOf(r.Context()).Route = pattern
		s.mux.ServeHTTP(w, r)
		return
	}
	// Who asks changes nothing but what the page shows around the error.
	if id, err := s.Guard.Identify(r.Context(), r); err == nil {
		OriginOf(r.Context()).Identity = id
	}
	probe := &holder{header: http.Header{}}
	handler.ServeHTTP(probe, r)
	switch probe.status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", probe.header.Get("Allow"))
		s.respondError(w, r, &Error{Status: probe.status, Code: "method_not_allowed", Public: "This address does not take " + r.Method + "."})
	default:
		s.respondError(w, r, ErrNotFound)
	}
}

// adapt turns a route into a handler.
func (s *Server) adapt(route Route) http.Handler {
	limit := defaultBody
	if route.Body > 0 {
		limit = int(route.Body)
	}
	handler := s.once(route, route.Handler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.admit(route, r); err != nil {
			s.refused(r, route, err)
			s.respondError(w, r, err)
			return
		}
		if route.Mutates() {
			r.Body = http.MaxBytesReader(w, r.Body, int64(limit))
			r = r.WithContext(queue.WithCause(r.Context(), cause(r.Context())))
		}
		if err := handler(w, r); err != nil {
			s.refused(r, route, err)
			s.respondError(w, r, trail.From(err, route.Handler))
		}
	})
}
