package app

import (
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/docs"
	"seaworthy/app/email/post"
	"seaworthy/app/handover"
	"seaworthy/app/web"
	"seaworthy/queue"
)

// Options are what a program that embeds the app can change. The zero value is
// what the seaworthy command uses.
type Options struct {
	Version  string
	Log      *slog.Logger         // JSON on stderr at the configured level if nil
	Clock    func() time.Time     // time.Now if nil
	Hasher   *auth.Hasher         // as auth.NewHasher(0) makes it if nil
	Hash     []string             // command that calls argon.Serve, to hash passwords in a process of its own; in this one if nil
	Extend   func(*App) Extension // routes and jobs of your own
	Own      Own                  // tables, pages and mails of your own
	Outside  http.RoundTripper    // how identity and mail providers are reached; the network if nil
	Carriers []post.Provider      // who deliver mail, in the order in which they are tried, in place of those that are configured
	Resolver *net.Resolver        // of the names of job endpoints and of what the launch checklist asks; the system's if nil
	Stripe   http.RoundTripper    // how Stripe is reached; as Outside if nil
	// StripeThrough is what stands between us and Stripe, the offline one too, for tests; nothing if nil.
	StripeThrough func(next http.RoundTripper) http.RoundTripper
	// Disk tells the room where a folder lies, in bytes; the system if nil.
	Disk func(folder string) (free, total int64, err error)
	// OutsideRoots vouch for the certificates that mail providers sign with; the system's if nil.
	OutsideRoots *x509.CertPool
	Sockets      *handover.Sockets     // where to listen, kept for a successor; new ones at the configured addresses if nil
	Reload       <-chan struct{}       // asks Run to make room for a successor; never if nil
	Begin        func() error          // called by Run before the first job and request; the start fails if it does
	Commands     func() []docs.Command // the program's command line, for its documentation; nil if it is not Seaworthy's
}

// Extension is what a program adds.
type Extension struct {
	Routes  []web.Route
	Jobs    func(*queue.Queue)
	Actions []audit.Kind // what its changes are recorded as
	// Permissions are what roles of orgs, or operators, can give for its routes.
	Permissions []auth.NewPermission
	// Home is whatever is not under /-/, held to the access rules; the built-in home if nil.
	Home http.Handler
}
