// Package auth knows people: how they sign up, prove who they are, where they
// are signed in, which orgs they belong to and what their roles allow. One table
// decides whether somebody is signed in, auth_session; cookies and tokens only
// point at it (spec/auth.md section 3).
package auth

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Mailer is what auth needs of email.
type Mailer interface {
	Send(tx *store.Tx, m email.Message) (id string, err error)
}

// Deps are what auth needs of the rest.
type Deps struct {
	DB      *store.DB
	Audit   *audit.Log
	Mail    Mailer
	Log     *slog.Logger
	Pages   *web.Pages
	Limiter *web.Limiter
	URL     string // public address, without a slash at the end
	Secure  bool   // served over https
	Hasher  *Hasher
	Master  *seal.Keys
	Grace   time.Duration // for which a used refresh token gets the same answer again
	Places  *Places       // nil: none is known
}

// System is auth as the rest of the app uses it.
type System struct {
	Deps
	sessions *scs.SessionManager
	touched  touches
	ring     atomic.Pointer[keyring] // set by Open
	proven   proven
	declared map[string]web.PermissionKind // the catalogue of systems; see Declare
}

// New makes the system. Sessions must be given to the web server, and Open called
// before it serves.
func New(d Deps) *System {
	s := &System{Deps: d, declared: map[string]web.PermissionKind{}}
	s.sessions = web.NewSessions(sessionStore{s}, d.Secure, absoluteLife)
	return s
}

// Sessions is the cookie codec over auth_session.
func (s *System) Sessions() *scs.SessionManager { return s.sessions }

// Jobs registers what auth does in the background.
func (s *System) Jobs(q *queue.Queue) { queue.Handle(q, s.sendReset) }

// Run writes what has gathered about sessions and keys in use, and tends the
// signing keys, until ctx ends.
func (s *System) Run(ctx context.Context) {
	tick := time.NewTicker(touchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.Flush(ctx); err != nil {
				s.Log.Error("sessions and keys in use could not be noted", "err", err)
			}
			if err := s.Tend(ctx); err != nil && ctx.Err() == nil {
				s.Log.Error("the signing keys could not be tended", "err", err)
			}
		case <-ctx.Done():
			// A last write, which must not be lost to the cancellation itself.
			if err := s.Flush(context.WithoutCancel(ctx)); err != nil {
				s.Log.Error("sessions and keys in use could not be noted", "err", err)
			}
			return
		}
	}
}
