package web

import (
	"net/http"
	"net/url"
	"strings"
)

// Front serves what is not under /-/: the customer's app, which stands behind. An
// error it returns becomes one of our pages, or a problem; once it has begun to
// answer it returns none.
type Front func(w http.ResponseWriter, r *http.Request) error

// ours reports whether a request is for a page of ours.
func ours(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/-/") || r.URL.Path == "/-" }

// front finds out who asks and hands the request on as it came: what the app answers
// is neither compressed nor given headers of ours.
func (s *Server) front(w http.ResponseWriter, r *http.Request) {
	origin := OriginOf(r.Context())
	origin.Route, origin.Method, origin.Asked = "app", r.Method, r.URL.Path
	r, err := s.visitor(r)
	if err == nil {
		err = s.Front(w, r)
	}
	if err != nil {
		s.setHeaders(w.Header())
		s.respondError(w, r, err)
	}
}

// visitor is the request with its origin's identity. Nobody is known by a cookie that
// another site's page sent along: such a request reaches the app as a stranger's. A
// bearer token counts if it is one of ours; the app may have its own.
func (s *Server) visitor(r *http.Request) (*http.Request, error) {
	origin := OriginOf(r.Context())
	origin.Foreign = s.foreign(r)
	cookie := ""
	if c, err := r.Cookie(s.Sessions.Cookie.Name); err == nil && !origin.Bearer && !origin.Foreign {
		cookie = c.Value
	}
	ctx, err := s.Sessions.Load(r.Context(), cookie)
	if err != nil {
		return r, err
	}
	r = r.WithContext(ctx)
	id, err := s.Guard.Identify(ctx, r)
	if err != nil {
		return r, err
	}
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); !id.Known() && strings.EqualFold(scheme, "Bearer") {
		if found, ok := s.Guard.Access(ctx, strings.TrimSpace(token)); ok {
			id, origin.Bearer = found, true
		}
	}
	origin.Identity = id
	return r, nil
}

// foreign reports whether a browser says that another site's page makes a request that
// could change something, or opens a socket.
func (s *Server) foreign(r *http.Request) bool {
	if s.alien.Check(r) != nil {
		return true
	}
	from := r.Header.Get("Origin")
	if from == "" || r.Header.Get("Upgrade") == "" {
		return false
	}
	u, err := url.Parse(from)
	return err != nil || u.Host != r.Host
}
