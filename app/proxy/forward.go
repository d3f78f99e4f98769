package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"syscall"
	"time"

	"seaworthy/app/web"
	"seaworthy/store/trail"
)

// passage is a request that is handed on; it is in the request's context.
type passage struct {
	client *http.Request
	told   http.Header // what the app is told of who asks
	trace  string      // and of the trace it belongs to; "" for nothing
	status int         // what it answered
	err    error       // why it did not
	body   *clientBody // what the client sends
}

type passageKey struct{}

func passageOf(r *http.Request) *passage {
	p, _ := r.Context().Value(passageKey{}).(*passage)
	return p
}

// hand gives the request to the app and its answer to the client, both as they come.
// The server's own deadlines are lifted: an upload, a stream or a socket takes as long
// as it takes, if only there is no silence in an upload. What the app does not answer is an error of ours.
func (s *System) hand(w http.ResponseWriter, r *http.Request, told http.Header) error {
	control := http.NewResponseController(w)
	// A writer without deadlines, as in tests, has none to lift.
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
	_ = control.EnableFullDuplex() // the app may answer while it still reads
	p := passage{client: r, told: told}
	if s.Span != nil {
		var ended func(int, error)
		p.trace, ended = s.Span(r.Context(), r)
		defer func() { ended(p.status, p.err) }()
	}
	r = r.WithContext(context.WithValue(r.Context(), passageKey{}, &p))
	if r.Body != nil && r.Body != http.NoBody {
		p.body = newClientBody(r, control, s.Silence)
		r.Body = p.body
	}
	s.forward.ServeHTTP(w, r)
	if p.closes() {
		w.Header().Set("Connection", "close") // too late after an answer of the app's, which said so itself
		web.CutOff(r.Context(), lingering)
	}
	return p.err
}

func (s *System) newForward() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport:  s.target.transport(s.Timeout),
		BufferPool: &buffers{},
		ErrorLog:   slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(s.target.url)
			p.Out.Host = p.In.Host
			p.Out.URL.RawQuery = p.In.URL.RawQuery // as it came: no rule is about it
			onlySockets(p.Out.Header)
			strip(p.Out.Header)
			strip(p.Out.Trailer)
			// Last, and here: a client's Connection header has taken out by now what it names.
			s.forwarded(p)
			passed := passageOf(p.In)
			maps.Copy(p.Out.Header, passed.told)
			if passed.trace != "" {
				traced(p.Out.Header, passed.trace)
			}
			p.Out.Header.Set("X-Request-Id", web.OriginOf(p.In.Context()).RequestID)
		},
		ModifyResponse: s.answered,
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			passageOf(r).err = s.failed(r, err)
		},
	}
}

// forwarded says where the request came from; what the client said of that is gone.
func (s *System) forwarded(p *httputil.ProxyRequest) {
	h := p.Out.Header
	if addr := web.OriginOf(p.In.Context()).Addr; addr.IsValid() { // none, of a socket of this machine
		h.Set("X-Forwarded-For", addr.String())
	}
	h.Set("X-Forwarded-Host", p.In.Host)
	h.Set("X-Forwarded-Proto", s.Public.Scheme)
}

// onlySockets lets nothing but a WebSocket take a connection over. Whoever could switch it to
// another protocol, as to HTTP/2 in the clear, would make further requests within it that
// no rule is asked about.
func onlySockets(h http.Header) {
	if to := h.Get("Upgrade"); to != "" && !strings.EqualFold(to, "websocket") {
		h.Del("Upgrade")
		h.Del("Connection")
	}
}

// traced tells the app of the trace, in both forms that SDKs know: W3C Trace Context, and
// Sentry's without a decision, so that the app's SDK samples as it is set up to.
func traced(h http.Header, traceparent string) {
	h.Set("Traceparent", traceparent)
	if parts := strings.Split(traceparent, "-"); len(parts) == 4 {
		h.Set("Sentry-Trace", parts[1]+"-"+parts[2])
	}
}

// answered looks at the head of the app's answer: it sets no cookie of ours, and the
// request keeps its id.
func (s *System) answered(res *http.Response) error {
	p := passageOf(res.Request)
	p.status = res.StatusCode
	p.body.wait()
	mine := foldName(prefix)
	for name := range res.Header {
		if strings.HasPrefix(foldName(name), mine) {
			delete(res.Header, name)
		}
	}
	res.Header.Del("X-Request-Id")
	if cookies := res.Header["Set-Cookie"]; len(cookies) > 0 {
		var kept []string
		for _, c := range cookies {
			if !ourCookie(c) {
				kept = append(kept, c)
			}
		}
		res.Header["Set-Cookie"] = kept
	}
	if s.Public.Scheme == "https" && res.Header.Get("Strict-Transport-Security") == "" {
		res.Header.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if p.closes() {
		res.Header.Set("Connection", "close")
	}
	if s.Deps.Health == "" { // else the app says itself whether it is well
		s.noted(nil)
	}
	return nil
}

// failed says what went wrong between us and the app, to people.
func (s *System) failed(r *http.Request, err error) error {
	err = trail.Mark(err)
	var tooLarge *http.MaxBytesError
	var timeout net.Error
	switch {
	case passageOf(r).body.stalled(): // the server takes him for gone
		return &web.Error{Status: http.StatusRequestTimeout, Code: "client_slow", Err: err, Public: "The rest of what you sent did not come in time."}
	case r.Context().Err() != nil && errors.Is(context.Cause(r.Context()), context.Canceled):
		return &web.Error{Status: 499, Code: "client_gone", Err: err} // nobody is there to read it
	case errors.As(err, &tooLarge):
		return &web.Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Public: "The request is too large.", Err: err}
	case passageOf(r).body.broken():
		return &web.Error{Status: http.StatusBadRequest, Code: "bad_body", Public: "The body of the request could not be read to its end.", Err: err}
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT), isDial(err):
		s.noted(err)
		return &web.Error{Status: http.StatusServiceUnavailable, Code: "app_down", RetryAfter: 5 * time.Second, Err: err,
			Public: "The app is not answering just now. It is most likely being started again: try again in a moment."}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &web.Error{Status: http.StatusGatewayTimeout, Code: "app_slow", Err: err, Public: "The app took too long to answer. What you asked for may have been done all the same."}
	case isBreak(err):
		return &web.Error{Status: http.StatusBadGateway, Code: "app_broke_off", Err: err, Public: "The app broke off in the middle. What you asked for may have been done all the same."}
	}
	return &web.Error{Status: http.StatusBadGateway, Code: "app_failed", Err: err, Public: "The app gave an answer that cannot be passed on."}
}

// isBreak reports whether the app ended the connection, found out while reading from it or
// while writing to it: then the transport may have closed our end before the write failed. Of
// a connection that it kept idle, net/http says so in words alone.
func isBreak(err error) bool {
	for _, end := range []error{io.ErrUnexpectedEOF, io.EOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	return strings.HasSuffix(err.Error(), "http: server closed idle connection")
}

func isDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
