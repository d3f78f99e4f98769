package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/mileusna/useragent"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// A browser's session ends after a week unused and after thirty days in any case.
const (
	idleLife     = 7 * 24 * time.Hour
	absoluteLife = 30 * 24 * time.Hour
)

// session is a row of auth_session with its user.
type session struct {
	id, org, impersonator string
	user                  user
	ip, ua                string
	aal                   int
	created, lastSeen     time.Time
	idleExp, absExp       int64
	permissions           []string
}

// newSession is what a sign-in needs, made outside the transaction.
type newSession struct {
	token  token
	device token // cookie of the browser, kept across sign-ins
}

func newSessionFor(r *http.Request, secure bool) newSession {
	n := newSession{token: newToken(), device: newToken()}
	if c, err := r.Cookie(deviceCookie(secure)); err == nil && len(c.Value) == len(n.device) {
		n.device = token(c.Value)
	}
	return n
}

func deviceCookie(secure bool) string {
	if secure {
		return "__Host-seaworthy_device"
	}
	return "seaworthy_device"
}

// start signs a user in within tx: the device, the session and, if the browser
// held an older session, the end of that one.
func (s *System) start(tx *store.Tx, n newSession, userID, org string, amr string) (id string, err error) {
	o := web.OriginOf(tx.Context())
	if o.Bearer {
		return "", web.ErrPersonOnly
	}
	if old := o.Identity.Session; old != "" {
		if err := s.revoke(tx, o.Identity.User, old, "signed in again"); err != nil {
			return "", err
		}
	}
	device, err := touchDevice(tx, n.device.hash(), userID, deviceLabel(o.UserAgent))
	if err != nil {
		return "", err
	}
	id = tx.NewID("ses")
	now := tx.Now()
	return id, insertSession(tx, sessionRow{id: id, user: userID, org: org, device: device, hash: n.token.hash(), amr: amr,
		ip: o.Addr.String(), ua: o.UserAgent, now: now.UnixMilli(), idle: now.Add(idleLife).UnixMilli(), abs: now.Add(absoluteLife).UnixMilli()})
}

// revoke ends one session of a user and records it.
func (s *System) revoke(tx *store.Tx, userID, id, reason string) error {
	n, err := revokeSession(tx, userID, id, reason)
	if err != nil || n == 0 {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actSessionRevoked, Targets: []audit.Ref{{Type: "session", ID: id}, audit.User(userID)},
		Details: map[string]any{"reason": reason}, Actor: actorOr(tx, userID)})
}

// revokeAll ends every session of a user.
func (s *System) revokeAll(tx *store.Tx, userID, reason string) error {
	ids, err := liveSessions(tx, userID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.revoke(tx, userID, id, reason); err != nil {
			return err
		}
	}
	return nil
}

// actorOr is who makes the request, or the user when nobody is signed in yet.
func actorOr(tx *store.Tx, userID string) audit.Ref {
	if web.IdentityOf(tx.Context()).Known() {
		return audit.Ref{}
	}
	return audit.User(userID)
}

// setCookies hands the new session to the browser.
func (s *System) setCookies(w http.ResponseWriter, r *http.Request, n newSession) {
	s.sessions.WriteSessionCookie(r.Context(), w, string(n.token), s.DB.Now().Add(absoluteLife))
	http.SetCookie(w, &http.Cookie{Name: deviceCookie(s.Secure), Value: string(n.device), Path: "/", HttpOnly: true,
		Secure: s.Secure, SameSite: http.SameSiteLaxMode, MaxAge: 400 * 24 * 3600})
}

// Identify implements web.Guard. A bearer token decides alone, also beside a
// cookie; the cookie was looked up when scs loaded it.
func (s *System) Identify(ctx context.Context, r *http.Request) (web.Identity, error) {
	if secret, given := web.Bearer(r); given {
		return s.identifyKey(ctx, secret)
	}
	found, ok := web.OriginOf(ctx).Found.(*session)
	if !ok {
		return web.Identity{}, nil
	}
	s.touched.note(found, s.DB.Now(), web.OriginOf(ctx).Addr.String())
	return web.Identity{User: found.user.id, Email: found.user.email.typed, Name: found.user.name, Verified: found.user.verified,
		Session: found.id, Org: found.org, Impersonator: found.impersonator, Permissions: found.permissions}, nil
}

// sessionStore implements scs.CtxStore on auth_session. A session is inserted by
// a sign-in alone; scs may only update the data of one that lives, so a slow
// request cannot bring a revoked session back (spec/auth.md section 2).
type sessionStore struct{ s *System }

// FindCtx implements scs.CtxStore and leaves what it found for Identify.
func (st sessionStore) FindCtx(ctx context.Context, cookie string) ([]byte, bool, error) {
	if len(cookie) != len(newToken()) {
		return nil, false, nil
	}
	var data []byte
	found, err := store.Read(ctx, st.s.DB, func(tx *store.Tx) (*session, error) {
		se, d, err := sessionByToken(tx, token(cookie).hash())
		if err != nil {
			return nil, err
		}
		data = d
		se.permissions, err = permissions(tx, se.user.id, se.org)
		return se, err
	})
	if isNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	web.OriginOf(ctx).Found = found
	if data == nil {
		data, err = st.s.sessions.Codec.Encode(time.UnixMilli(found.absExp), nil)
	}
	return data, true, err
}

// CommitCtx implements scs.CtxStore.
func (st sessionStore) CommitCtx(ctx context.Context, cookie string, data []byte, _ time.Time) error {
	return st.s.DB.Write(ctx, func(tx *store.Tx) error { return updateSessionData(tx, token(cookie).hash(), data) })
}

// DeleteCtx implements scs.CtxStore. Sessions end by revoke, never by scs.
func (sessionStore) DeleteCtx(context.Context, string) error { return nil }

// deviceLabel names a browser and its system for people, as "Firefox on Linux".
func deviceLabel(ua string) string {
	p := useragent.Parse(ua)
	switch {
	case p.Name == "" || ua == "":
		return "Unknown device"
	case p.OS == "":
		return web.CleanText(p.Name, 60)
	}
	return web.CleanText(p.Name, 60) + " on " + web.CleanText(p.OS, 40)
}

func deviceIcon(ua string) string {
	if p := useragent.Parse(ua); p.Mobile || p.Tablet {
		return "smartphone"
	}
	return "monitor"
}
