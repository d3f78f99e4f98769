package web

import "net/http"

// contentSecurity allows what our own pages use: files of ours, nothing inline,
// no frames around us. Frames within are for the development inbox, which shows
// mail in a sandbox.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.setHeaders(w.Header())
		next.ServeHTTP(w, r)
	})
}

func (s *Server) setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", contentSecurity)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if s.Production {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// crossOrigin refuses state-changing requests that a browser says come from
// another site (Sec-Fetch-Site, Origin). Requests without either header come
// from programs, which carry no ambient cookie.
func (s *Server) crossOrigin(next http.Handler) http.Handler {
	protection, withToken := http.NewCrossOriginProtection(), http.NewCrossOriginProtection()
	for _, route := range s.routes {
		if route.Anywhere {
			protection.AddInsecureBypassPattern(route.Method + " " + route.Pattern)
		}
		if route.Anywhere || route.Cross != nil {
			withToken.AddInsecureBypassPattern(route.Method + " " + route.Pattern)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		check := protection
		if OriginOf(r.Context()).Bearer { // which no browser adds by itself, and beside which no cookie is read
			check = withToken
		}
		if err := check.Check(r); err != nil {
			s.respondError(w, r, &Error{Status: http.StatusForbidden, Code: "cross_origin", Err: err,
				Public: "This request came from another site and was refused. Open the page here and try again."})
			return
		}
		next.ServeHTTP(w, r)
	})
}
