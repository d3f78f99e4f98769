package auth

import (
	"context"
	"sync"
	"time"

	"seaworthy/store"
)

// A session or key in use is noted at most once a minute, many in one transaction.
const (
	touchGap   = time.Minute
	touchEvery = 10 * time.Second
)

// touches are the sessions and keys in use whose row is more than a minute behind.
type touches struct {
	mu       sync.Mutex
	sessions map[string]touch
	keys     map[string]time.Time
}

type touch struct {
	at   time.Time
	ip   string
	idle time.Duration // for which the session lives on, unused
}

func (t *touches) note(se *session, now time.Time, ip string) {
	if now.Sub(se.lastSeen) < touchGap && ip == se.ip {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sessions == nil {
		t.sessions = map[string]touch{}
	}
	t.sessions[se.id] = touch{now, ip, se.idleLife()}
}

func (t *touches) noteKey(k Key, now time.Time) {
	if now.Sub(k.LastUsed) < touchGap {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keys == nil {
		t.keys = map[string]time.Time{}
	}
	t.keys[k.ID] = now
}

// take empties the notes.
func (t *touches) take() (sessions map[string]touch, keys map[string]time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sessions, keys = t.sessions, t.keys
	t.sessions, t.keys = nil, nil
	return sessions, keys
}

// Flush writes the noted sessions and keys in one transaction, and what the
// defence of sign-in has counted in another.
func (s *System) Flush(ctx context.Context) error {
	if err := s.flushThrottle(ctx); err != nil {
		return err
	}
	sessions, keys := s.touched.take()
	if len(sessions)+len(keys) == 0 {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		for id, t := range sessions {
			if err := touchSession(tx, id, t.at.UnixMilli(), t.ip, t.at.Add(t.idle).UnixMilli()); err != nil {
				return err
			}
		}
		for id, at := range keys {
			if err := touchKey(tx, id, at.UnixMilli()); err != nil {
				return err
			}
		}
		return nil
	})
}
