package web

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-json-experiment/json"
)

// CookieName is the session cookie's name. The __Host- prefix makes browsers
// refuse one set by a sibling domain or over plain HTTP.
func CookieName(secure bool) string {
	if secure {
		return "__Host-seaworthy"
	}
	return "seaworthy_session"
}

// SessionStore keeps sessions; auth implements it. The methods are scs.CtxStore's.
type SessionStore interface {
	FindCtx(ctx context.Context, token string) (data []byte, found bool, err error)
	CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error
	DeleteCtx(ctx context.Context, token string) error
}

// NewSessions is the cookie codec: scs reads and writes the cookie and the small
// per-session data, and the store, which auth implements on its own rows,
// decides whether a session lives. scs's idle timeout stays off, because it
// would write on every request; the store enforces it (spec/auth.md section 2).
func NewSessions(store SessionStore, secure bool, lifetime time.Duration) *scs.SessionManager {
	m := scs.New()
	m.Store = ctxOnly{store}
	m.Codec = jsonCodec{}
	m.IdleTimeout = 0
	m.Lifetime = lifetime
	m.Cookie.Name = CookieName(secure)
	m.Cookie.HttpOnly = true
	m.Cookie.Path = "/"
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Secure = secure
	m.Cookie.Persist = true
	return m
}

// ctxOnly has the older methods that scs's interface also asks for; it calls the
// context methods whenever a store has them.
type ctxOnly struct{ SessionStore }

func (ctxOnly) Find(string) ([]byte, bool, error)      { return nil, false, nil }
func (ctxOnly) Commit(string, []byte, time.Time) error { return nil }
func (ctxOnly) Delete(string) error                    { return nil }

// jsonCodec keeps session data as JSON instead of gob: readable, and data that
// cannot be read is dropped instead of locking the person out.
type jsonCodec struct{}

type sessionData struct {
	Deadline time.Time      `json:"deadline"`
	Values   map[string]any `json:"values"`
}

func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(sessionData{deadline, values})
}

func (jsonCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var d sessionData
	if err := json.Unmarshal(b, &d); err != nil || d.Values == nil {
		d.Values = map[string]any{}
	}
	return d.Deadline, d.Values, nil
}
