package web

import (
	"net/http"
	"strings"
)

// TokenPrefix begins every secret of ours that lasts, so that people and secret
// scanners know one when they see it. Access tokens, which are JWTs, do without.
const TokenPrefix = "sw_"

// Bearer is the token of an Authorization header (RFC 6750 section 2.1), and
// whether the request carries one that is meant for us: under /-/ any is; the
// app behind may have bearer tokens of its own, so elsewhere only one that
// begins as ours do. A request that carries one is asked for no cookie.
func Bearer(r *http.Request) (token string, given bool) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	if key := r.Header.Get("X-API-Key"); scheme == "" && strings.HasPrefix(key, TokenPrefix) && strings.HasPrefix(r.URL.Path, "/-/") {
		return key, true // as OFREP's clients send it
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	token = strings.TrimSpace(token)
	return token, strings.HasPrefix(r.URL.Path, "/-/") || strings.HasPrefix(token, TokenPrefix)
}

// ErrBadToken is the one answer to a bearer token that does not work, whatever
// the reason (RFC 6750 section 3.1).
var ErrBadToken = &Error{Status: http.StatusUnauthorized, Code: "bad_token", Challenge: `Bearer error="invalid_token"`,
	Public: "This token does not work: it is unknown, has expired or was revoked."}

// ErrPersonOnly is for what a program cannot do in anybody's place.
var ErrPersonOnly = &Error{Status: http.StatusForbidden, Code: "person_only",
	Public: "This is for people who are signed in. It cannot be done with a token."}

// session reads the session cookie and keeps the session's data. A request with
// a bearer token gets an empty session that is never kept: the token alone says
// who asks, no cookie is looked at and none is set.
func (s *Server) session(next http.Handler) http.Handler {
	withCookie := s.Sessions.LoadAndSave(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !OriginOf(r.Context()).Bearer {
			withCookie.ServeHTTP(w, r)
			return
		}
		ctx, err := s.Sessions.Load(r.Context(), "")
		if err != nil {
			s.respondError(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
