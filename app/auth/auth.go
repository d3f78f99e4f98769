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
	"seaworthy/app/auth/guess"
	"seaworthy/app/auth/oidc"
	"seaworthy/app/email"
	"seaworthy/app/seal"
	"seaworthy/app/sms"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Mailer is what auth needs of email.
type Mailer interface {
	Send(tx *store.Tx, m email.Message) (id string, err error)
	// Forget deletes at most limit of what was sent to or about a user, and returns how many.
	Forget(tx *store.Tx, user string, limit int) (int, error)
}

// Texter is what auth needs of sms.
type Texter interface {
	Send(tx *store.Tx, m sms.Message) (id string, err error)
	// Forget deletes what is kept of the texts to a user.
	Forget(tx *store.Tx, userID string) error
}

// Deps are what auth needs of the rest.
type Deps struct {
	DB          *store.DB
	Audit       *audit.Log
	Mail        Mailer
	Log         *slog.Logger
	Pages       *web.Pages
	Limiter     *web.Limiter
	URL         string // public address, without a slash at the end
	Secure      bool   // served over https
	Hasher      *Hasher
	Master      *seal.Keys
	Grace       time.Duration // for which a used refresh token gets the same answer again
	Places      *Places       // nil: none is known
	Social      []*oidc.Provider
	Texts       Texter          // nil: no phone can be a second factor
	Breaches    *guess.Breaches // nil: nobody is asked
	EmailSignIn bool            // by a link or a code that is mailed
	Folder      string          // of the files that people's exports are written to
	Exports     []ExportPart    // what the other systems hold on a person
	// Plans says which plan orgs are on; nil: none is on one.
	Plans Planner
	// Grow says whether an org may have one more member; nil: any may.
	Grow func(tx *store.Tx, org string) error
	// Forgets remove what other systems hold on a user, in the transaction that
	// erases him.
	Forgets []func(tx *store.Tx, userID string) error
	// Erase takes a subject's personal data out of the audit log.
	Erase func(ctx context.Context, subject audit.Ref) (int, error)
}

// System is auth as the rest of the app uses it.
type System struct {
	Deps
	sessions      *scs.SessionManager
	touched       touches
	ring          atomic.Pointer[keyring] // set by Open
	proven        proven
	throttle      *throttle
	swept         time.Time                     // of Run alone, as is the next
	sweptSessions time.Time                     //
	declared      map[string]web.PermissionKind // the catalogue of systems; see Declare
}

// New makes the system. Sessions must be given to the web server, and Open called
// before it serves.
func New(d Deps) *System {
	s := &System{Deps: d, throttle: newThrottle(d.Master, d.Limiter.Off()), declared: map[string]web.PermissionKind{}}
	s.sessions = web.NewSessions(sessionStore{s}, d.Secure, absoluteLife)
	return s
}

// Sessions is the cookie codec over auth_session.
func (s *System) Sessions() *scs.SessionManager { return s.sessions }

// Jobs registers what auth does in the background.
func (s *System) Jobs(q *queue.Queue) {
	queue.Handle(q, s.sendReset)
	queue.Handle(q, s.sendSignIn)
	queue.Handle(q, s.eraseAccount)
	queue.Handle(q, s.runExport)
	queue.Handle(q, s.expireExport)
	queue.Handle(q, s.endImpersonation)
}

// Run writes what has gathered about sessions and keys in use, tends the signing keys
// and sweeps what has ended, until ctx ends. Then nothing is asked of the providers
// any more.
func (s *System) Run(ctx context.Context) {
	tick := time.NewTicker(touchEvery)
	if err := s.sweepExports(ctx); err != nil && ctx.Err() == nil {
		s.Log.Error("exports that nothing speaks of could not be deleted", "err", err)
	}
	defer tick.Stop()
	for _, p := range s.Social {
		p.Warm() // so that the first sign-in need not wait
		defer p.Close()
	}
	for {
		select {
		case <-tick.C:
			if err := s.Flush(ctx); err != nil {
				s.Log.Error("sessions and keys in use could not be noted", "err", err)
			}
			if err := s.housekeep(ctx); err != nil && ctx.Err() == nil {
				s.Log.Error("what has ended could not be swept", "err", err)
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
