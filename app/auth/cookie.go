package auth

import (
	"net/http"
	"time"
)

// The cookies of auth beside the session's.
const (
	deviceCookie  = "device"  // by which a browser, or a program that keeps cookies, is known again
	pendingCookie = "mfa"     // a sign-in that waits for its second step, in the browser that began it
	attemptCookie = "sign_in" // a sign-in by mail, in the browser that asked
	ownCookie     = "own"     // the session of an operator whose browser acts as a user
	tripCookie    = "trip"    // whoever went to a provider; see System.browserOf
)

// deviceLife is for how long browsers keep the device's cookie: the longest that
// they do (RFC 6265bis section 5.5).
const deviceLife = 400 * 24 * time.Hour

// cookieName is what a cookie is called. Where there is TLS no other host of the
// domain can set one of this name (RFC 6265bis section 4.1.3.2).
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-seaworthy_" + name
	}
	return "seaworthy_" + name
}

// setCookie gives a browser a cookie for a time, or takes it away with "".
func (s *System) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	age := int(life.Seconds())
	if value == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName(name, s.Secure), Value: value, Path: "/", HttpOnly: true,
		Secure: s.Secure, SameSite: http.SameSiteLaxMode, MaxAge: age})
}

// cookieOf is a cookie of the browser that asks, "" for none.
func (s *System) cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(cookieName(name, s.Secure))
	if err != nil {
		return ""
	}
	return c.Value
}
