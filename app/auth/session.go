package auth

import (
	"context"
	"net/http"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// A session ends after a week unused and after thirty days in any case.
const (
	idleLife     = 7 * 24 * time.Hour
	absoluteLife = 30 * 24 * time.Hour
)

// sessionKind says what holds a session.
type sessionKind string

const (
	browserSession sessionKind = "browser" // a cookie
	apiSession     sessionKind = "api"     // a refresh token, from which access tokens come
)

// session is a row of auth_session with its user.
type session struct {
	id, org           string
	impersonator, own string // who acts as the user, and in which session of his own; "" for the user
	impersonatorName  string
	kind              sessionKind
	client            string // "" for a browser
	user              user
	ip, ua            string
	aal               int    // 1: one factor, 2: two
	amr               string // RFC 8176 values, space separated
	scopes            string
	epoch             int64
	generation        int64     // of the newest refresh token
	rotated           time.Time // when that was made; zero for never
	authTime, stepUp  time.Time // of the sign-in; of the last confirmation, zero for none
	created, lastSeen time.Time
	idleExp, absExp   int64
	data              []byte // what scs keeps
	permissions       []string
}

// provenAt is when the user last showed in this session who he is.
func (se *session) provenAt() time.Time {
	if se.stepUp.After(se.authTime) {
		return se.stepUp
	}
	return se.authTime
}

// newSession is what a sign-in needs, made outside the transaction.
type newSession struct {
	kind   sessionKind
	token  token // the cookie; "" without one
	device token // cookie of the browser, kept across sign-ins

	pending token // what the sign-in is while it waits for a second step
	keep    token // with which an account that is to be deleted can be kept instead
}

func newSessionFor(r *http.Request, secure bool) newSession {
	n := newSession{kind: browserSession, token: newToken(), device: newToken(), pending: newToken(), keep: newToken()}
	if c, err := r.Cookie(cookieName(deviceCookie, secure)); err == nil && len(c.Value) == len(n.device) {
		n.device = token(c.Value)
	}
	return n
}

// start signs a user in within tx: the device, the session, word to the user if
// the device is a new one and, if the browser held an older session, the end of
// that one.
func (s *System) start(tx *store.Tx, n newSession, u user, org string, p proof) (id string, err error) {
	o := web.OriginOf(tx.Context())
	if n.kind == browserSession {
		if o.Bearer {
			return "", web.ErrPersonOnly
		}
		if old := o.Identity.Session; old != "" {
			if _, err := s.revoke(tx, o.Identity.User, old, "signed in again"); err != nil {
				return "", err
			}
		}
	}
	device, err := s.recognize(tx, n.device, u)
	if err != nil {
		return "", err
	}
	now := tx.Now()
	row := sessionRow{id: tx.NewID("ses"), user: u.id, org: org, device: device, kind: n.kind, amr: p.amr, aal: p.level(), ip: o.Addr.String(), ua: o.UserAgent,
		now: now.UnixMilli(), idle: now.Add(idleLife).UnixMilli(), abs: now.Add(absoluteLife).UnixMilli()}
	if n.kind == browserSession {
		row.hash = n.token.hash()
	} else {
		row.client = firstParty
	}
	return row.id, insertSession(tx, row)
}

// revoke ends one session of a user and records it. It reports whether there was
// one to end.
func (s *System) revoke(tx *store.Tx, userID, id, reason string) (ended bool, err error) {
	return s.revokeAs(tx, userID, id, reason, actorOr(tx, userID))
}

// revokeAs is revoke by an actor, the context's if zero. What the session's user
// did as somebody else ends with it.
func (s *System) revokeAs(tx *store.Tx, userID, id, reason string, actor audit.Ref) (ended bool, err error) {
	n, err := revokeSession(tx, userID, id, reason)
	if err != nil || n == 0 {
		return false, err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actSessionRevoked, Targets: []audit.Ref{{Type: "session", ID: id}, audit.User(userID)},
		Details: map[string]any{"reason": reason}, Actor: actor}); err != nil {
		return true, err
	}
	if err := s.impersonationEnded(tx, id, reason, actor); err != nil {
		return true, err
	}
	hanging, err := impersonationsOf(tx, id)
	for _, i := range hanging {
		if _, err := s.revokeAs(tx, i.user, i.session, "the impersonator's own session ended", actor); err != nil {
			return true, err
		}
	}
	return true, err
}

// revokeOthers ends every session of a user but one, and returns how many.
func (s *System) revokeOthers(tx *store.Tx, userID, but, reason string) (n int, err error) {
	ids, err := liveSessions(tx, userID)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if id == but {
			continue
		}
		if _, err := s.revoke(tx, userID, id, reason); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// revokeAll ends every session of a user. The epoch goes up with it, so that
// nothing which began before can live on, whatever holds it; nor can a link or
// code that was mailed before and not used yet.
func (s *System) revokeAll(tx *store.Tx, userID, reason string) (n int, err error) {
	if n, err = s.revokeOthers(tx, userID, "", reason); err != nil {
		return n, err
	}
	if err := s.voidProofs(tx, userID); err != nil {
		return n, err
	}
	return n, raiseEpoch(tx, userID)
}

// actorOr is who makes the request, or the user when nobody is signed in yet. What
// the command line or a job does is not the user's doing.
func actorOr(tx *store.Tx, userID string) audit.Ref {
	if web.IdentityOf(tx.Context()).Known() || onMachine(tx.Context()) {
		return audit.Ref{}
	}
	return audit.User(userID)
}

// setCookies hands the new session to the browser.
func (s *System) setCookies(w http.ResponseWriter, r *http.Request, n newSession) {
	s.sessions.WriteSessionCookie(r.Context(), w, string(n.token), s.DB.Now().Add(absoluteLife))
	s.setCookie(w, deviceCookie, string(n.device), deviceLife)
	if s.cookieOf(r, ownCookie) != "" {
		s.setCookie(w, ownCookie, "", 0)
	}
}

// Identify implements web.Guard. A bearer token decides alone, also beside a
// cookie; the cookie was looked up when scs loaded it.
func (s *System) Identify(ctx context.Context, r *http.Request) (web.Identity, error) {
	if secret, given := web.Bearer(r); given {
		if strings.HasPrefix(secret, web.TokenPrefix) {
			return s.identifyKey(ctx, secret)
		}
		return s.identifyAccess(ctx, secret)
	}
	found, ok := web.OriginOf(ctx).Found.(*session)
	if !ok {
		return web.Identity{}, nil
	}
	return s.inUse(ctx, found), nil
}

// inUse notes that a session is used, and says whose it is.
func (s *System) inUse(ctx context.Context, se *session) web.Identity {
	s.touched.note(se, s.DB.Now(), web.OriginOf(ctx).Addr.String())
	return web.Identity{User: se.user.id, Email: se.user.email.typed, Name: se.user.name, Verified: se.user.verified,
		Session: se.id, Org: se.org, Impersonator: se.impersonator, ImpersonatorName: se.impersonatorName, Until: se.until(), Level: se.aal, Proven: se.provenAt(), Permissions: se.permissions}
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
	hash := token(cookie).hash()
	found, err := st.s.lookUp(ctx, func(tx *store.Tx) (*session, error) { return sessionByCookie(tx, hash) })
	if isNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	web.OriginOf(ctx).Found = found
	if found.data == nil {
		found.data, err = st.s.sessions.Codec.Encode(time.UnixMilli(found.absExp), nil)
	}
	return found.data, true, err
}

// CommitCtx implements scs.CtxStore.
func (st sessionStore) CommitCtx(ctx context.Context, cookie string, data []byte, _ time.Time) error {
	return st.s.DB.Write(ctx, func(tx *store.Tx) error { return updateSessionData(tx, token(cookie).hash(), data) })
}

// DeleteCtx implements scs.CtxStore. Sessions end by revoke, never by scs.
func (sessionStore) DeleteCtx(context.Context, string) error { return nil }
