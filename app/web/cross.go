package web

import "net/http"

// Cross lets pages of other sites ask a route (Fetch standard, "CORS protocol"). They
// bring a token: cookies are never taken from them.
type Cross struct {
	Allow  func(origin string) bool // whose pages may
	Expose string                   // headers of answers that they may read
}

// allowed are the headers that requests may have.
const allowed = "Authorization, Content-Type, If-None-Match, X-API-Key, X-Sentry-Auth, Sentry-Trace, Content-Encoding, Traceparent, Baggage"

// wrap says to whom an answer may be shown, also when it is a refusal.
func (c *Cross) wrap(next http.Handler) http.Handler {
	if c == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.say(w, r)
		next.ServeHTTP(w, r)
	})
}

func (c *Cross) say(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !c.Allow(origin) {
		return false
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	if c.Expose != "" {
		w.Header().Set("Access-Control-Expose-Headers", c.Expose)
	}
	return true
}

// preflight answers whether a request may be made.
func (c *Cross) preflight(w http.ResponseWriter, r *http.Request) {
	if c.say(w, r) {
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
		w.Header().Set("Access-Control-Allow-Headers", allowed)
		w.Header().Set("Access-Control-Max-Age", "7200")
	}
	w.WriteHeader(http.StatusNoContent)
}
