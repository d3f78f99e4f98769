package proxy

import (
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	"seaworthy/app/auth"
)

// Bounds of assertions. Servers take 8 to 16 KB of all headers together.
const (
	maxAssertion = 6 << 10
	reuse        = 20 * time.Second // for which an assertion that says the same is used again
	maxSigned    = 4096             // that are remembered
)

// signed remembers assertions: a signature costs more than all the rest of a request. When the
// young ones are half of what may be remembered, the old ones go all at once, so that no request
// has to look for what can go.
type signed struct {
	mu         sync.Mutex
	young, old map[[32]byte]entry
}

type entry struct {
	token string
	at    time.Time
}

func (c *signed) get(key [32]byte, now time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.young[key]
	if !ok {
		e = c.old[key]
	}
	if age := now.Sub(e.at); age < 0 || age > reuse {
		return ""
	}
	return e.token
}

func (c *signed) put(key [32]byte, token string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= maxSigned/2 {
		c.young, c.old = map[[32]byte]entry{}, c.young
	}
	c.young[key] = entry{token, now}
}

// assertion signs what the app is told, or finds that it said the same just now. One
// that would be too large for a header goes without flags, and then without
// permissions, which the app can ask for.
func (s *System) assertion(a auth.Assertion) (string, error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	key, now := sha256.Sum256(raw), s.DB.Now()
	if token := s.signed.get(key, now); token != "" {
		return token, nil
	}
	token, err := s.Auth.Assert(a)
	if len(token) > maxAssertion && a.Flags != nil {
		a.Flags = nil
		token, err = s.Auth.Assert(a)
	}
	if len(token) > maxAssertion {
		a.Permissions = nil
		token, err = s.Auth.Assert(a)
	}
	if err == nil {
		s.signed.put(key, token, now)
	}
	return token, err
}
