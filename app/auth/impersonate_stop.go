package auth

import (
	"net/http"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// impersonationRoutes are how somebody stops acting as another. It is public,
// since the session in which he did may have ended.
func (s *System) impersonationRoutes() []web.Route {
	return []web.Route{
		{Method: "POST", Pattern: "/-/impersonation/stop", Access: web.Public, Handler: s.stopForm, Limit: web.PerMinute(30),
			Audit: actions(actImpersonationEnded, actSessionRevoked)},
	}
}

// stopForm ends the impersonation and brings the browser back to its operator.
func (s *System) stopForm(w http.ResponseWriter, r *http.Request) error {
	if web.OriginOf(r.Context()).Bearer {
		return web.ErrPersonOnly
	}
	id, back := web.IdentityOf(r.Context()), "/-/admin/users"
	if id.Impersonator != "" {
		if err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
			_, err := s.revoke(tx, id.User, id.Session, "stopped by the impersonator")
			return err
		}); err != nil {
			return err
		}
		back += "/" + id.User + "?done=stopped"
	} else if id.Person() {
		return web.SeeOther(w, r, back) // he is himself already
	}
	if s.resume(w, r) {
		return web.SeeOther(w, r, back)
	}
	s.sessions.WriteSessionCookie(r.Context(), w, "", time.Time{})
	return web.SeeOther(w, r, "/-/login?notice=out")
}

// resume makes the browser its operator's again, if the session that was kept
// aside still counts. Nothing is written: both cookies are the browser's own.
func (s *System) resume(w http.ResponseWriter, r *http.Request) bool {
	own, err := r.Cookie(cookieName(ownCookie, s.Secure))
	if err != nil {
		return false
	}
	s.setCookie(w, ownCookie, "", 0)
	hash := token(own.Value).hash()
	se, err := s.lookUp(r.Context(), func(tx *store.Tx) (*session, error) { return sessionByCookie(tx, hash) })
	if err != nil || se.impersonator != "" {
		return false
	}
	s.sessions.WriteSessionCookie(r.Context(), w, own.Value, s.DB.Now().Add(absoluteLife))
	return true
}
