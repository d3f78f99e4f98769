// Package app is the whole: it builds every system in one visible order and
// serves them as one http.Handler. main is a thin command line over it, and a Go
// program of your own can import it, add routes and jobs, and is again one
// binary.
package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/auth/standin"
	"seaworthy/app/billing"
	"seaworthy/app/billing/stripesim"
	"seaworthy/app/config"
	"seaworthy/app/console"
	"seaworthy/app/email"
	"seaworthy/app/email/compose"
	"seaworthy/app/email/post"
	"seaworthy/app/flags"
	"seaworthy/app/handover"
	"seaworthy/app/jobs"
	"seaworthy/app/observe"
	"seaworthy/app/ops"
	"seaworthy/app/outbox"
	"seaworthy/app/proxy"
	"seaworthy/app/seal"
	"seaworthy/app/sms"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
	"seaworthy/store/replica"
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
	Sockets      *handover.Sockets // where to listen, kept for a successor; new ones at the configured addresses if nil
	Reload       <-chan struct{}   // asks Run to make room for a successor; never if nil
	Begin        func() error      // called by Run before the first job and request; the start fails if it does
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

// App is one running installation.
type App struct {
	Config    config.Config
	DB        *store.DB
	Queue     *queue.Queue
	Audit     *audit.System
	Auth      *auth.System
	Email     *email.System
	Outbox    *outbox.System
	SMS       *sms.System // nil: no texts are sent
	Jobs      *jobs.System
	Web       *web.Server
	Replies   *web.Replies // answers for those who repeat a request
	Pages     *web.Pages
	Flags     *flags.System
	Proxy     *proxy.System
	Observe   *observe.System
	Heartbeat *observe.Heartbeat
	Backups   *ops.System // log and errors
	Billing   *billing.System

	StandIn *standin.Provider // identity provider of made-up people; nil without one

	Simulator *stripesim.Sim // offline Stripe; nil in production

	o         Options
	log       *slog.Logger
	replica   *replica.Driver // nil: replication is off
	replicas  replica.Config
	restored  bool // the database came from the replica at this start
	keys      *seal.Keys
	metrics   *metrics
	probe     probe
	clock     ops.Timepiece // compares ours with that of services that are called
	draining  atomic.Bool
	stopping  chan struct{} // closed when draining begins
	successor bool          // another process goes on with our sockets and our replica
	keepDoor  bool          // the listening socket outlives this process
	tls       atomic.Pointer[secured]
}

// New opens the data folder, restoring or creating the database as the boot
// table says, migrates it, and builds the systems. It starts nothing; see Run.
func New(ctx context.Context, cfg config.Config, o Options) (*App, error) {
	if o.Log == nil {
		var level slog.Level
		if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
			return nil, err
		}
		o.Log = slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Hasher == nil {
		o.Hasher = auth.NewHasher(0)
	}
	if o.Hash != nil {
		o.Hasher.UseProcesses(o.Hash, func(err error) {
			o.Log.Warn("passwords are hashed in the server's own process from now on: a flood of sign-ins will slow others down", "err", err)
		})
	}
	seen := observe.New(telemetry(cfg, o))
	o.Log = slog.New(seen.Handler(o.Log.Handler()))
	a := &App{Config: cfg, o: o, log: o.Log, Observe: seen, stopping: make(chan struct{})}
	files, steps, err := o.Own.open()
	if err == nil {
		err = a.openStore(ctx, steps)
	}
	if err == nil {
		err = a.build(ctx, files)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// build makes the systems, each from those before it.
func (a *App) build(ctx context.Context, files fs.FS) error {
	cfg := a.Config
	keys := a.keys
	static, err := web.NewStatic(files, "css", "js", "icons")
	if err != nil {
		return err
	}
	providers, err := a.providers()
	if err != nil {
		return err
	}
	site := web.Site{Brand: cfg.Brand, URL: cfg.URL, Production: cfg.Production(), Inbox: !cfg.HasMail() && len(a.o.Carriers) == 0, Nav: console.Nav(), SignIn: ways(providers)}
	if a.Pages, err = web.NewPages(files, static, site, a.o.Clock); err != nil {
		return err
	}
	limiter := web.NewLimiter(a.o.Clock, cfg.RateLimits == "off")
	a.metrics = newMetrics(a)
	a.Queue = queue.New(a.DB, queue.Options{Log: a.log, Workers: 64, Failed: a.Observe.Job, Ended: a.jobEnded, Begin: a.Observe.Attempt})
	a.Audit = audit.New(audit.Deps{DB: a.DB, Logger: a.log, Pages: a.Pages, URL: cfg.URL, Keys: filepath.Join(cfg.Data, "keys"),
		Exports: filepath.Join(cfg.Data, "exports"), Vaults: a.vaults(), Restored: a.restored, Confirmed: a.Confirm, Scrub: a.scrub, FindOrg: auth.FindOrg})

	carriers, streams, err := a.mailCarriers(cfg)
	if err != nil {
		return err
	}
	told, err := a.mailFeedback()
	if err != nil {
		return err
	}
	if a.Email, err = email.New(email.Deps{DB: a.DB, Audit: a.Audit.Log, Keys: keys, Log: a.log, Pages: a.Pages, Files: files,
		From: cfg.MailFrom, Brand: compose.Brand{Name: cfg.Brand, URL: cfg.URL}, Providers: carriers, Streams: streams, Rates: cfg.MailRate(func(string, ...any) {}), Domains: cfg.MailDomains, Keep: time.Duration(cfg.MailDays) * 24 * time.Hour, Texts: caught{}, InboxSMTP: cfg.InboxAddress(),
		Feedback: told, Addresses: auth.Addresses}); err != nil {
		return err
	}
	if a.SMS, err = a.texts(keys); err != nil {
		return err
	}
	a.Outbox = a.outboxes()
	a.Flags = flags.New(flags.Deps{DB: a.DB, Queue: a.Queue, Audit: a.Audit.Log, Log: a.log,
		Facts: func(tx *store.Tx, user, org string) (map[string]any, error) { return a.Auth.Facts(tx, user, org) },
		Keys:  keys, URL: cfg.URL, Origins: cfg.FlagOrigins(), Unlimited: limiter.Off()})
	places, err := openPlaces(cfg)
	if err != nil {
		return err
	}
	a.Auth = auth.New(auth.Deps{DB: a.DB, Audit: a.Audit.Log, Mail: a.Email, Log: a.log, Pages: a.Pages, Limiter: limiter,
		URL: cfg.URL, Secure: cfg.Production(), Hasher: a.o.Hasher,
		Master: keys, Grace: time.Duration(cfg.RefreshGrace) * time.Second, Places: places, Social: providers, Brand: cfg.Brand, Texts: texter(a.SMS),
		Breaches: a.breaches(cfg), EmailSignIn: cfg.EmailSignIn != "off",
		Plans:   planner{a},
		Grow:    func(tx *store.Tx, org string) error { return a.Billing.Grow(tx, org) },
		Forgets: []func(*store.Tx, string) error{a.Flags.Forget},
		Folder:  filepath.Join(cfg.Data, "exports", "people"), Erase: a.Audit.Erase, Exports: []auth.ExportPart{
			{Name: "mails", About: "the mails we sent you or that were about you", Write: a.Email.ExportPerson},
			{Name: "mail_events", About: "what became of the mails to your addresses", Write: a.Email.ExportEvents},
			{Name: "mail_consents", About: "which mails you said yes and no to", Write: a.Email.ExportConsents},
			{Name: "mail_preferences", About: "which mails you get, and what is held back from your addresses", Write: a.Email.ExportPreferences},
			{Name: "events", About: "what you did here, and what others did to your account", Write: a.Audit.ExportPerson},
		}})
	if a.Jobs, err = a.jobs(keys); err != nil {
		return err
	}
	if a.Proxy, err = a.proxy(); err != nil {
		return err
	}
	outside, err := a.outside()
	if err != nil {
		return err
	}
	a.Observe.Attach(observe.Deps{DB: a.DB, Audit: a.Audit.Log, Pages: a.Pages, URL: cfg.URL, People: address, Outside: outside})
	if a.Heartbeat, err = a.heartbeat(); err != nil {
		return err
	}
	if a.Backups, err = a.backups(); err != nil {
		return err
	}
	if a.Billing, err = a.billing(ctx, keys); err != nil {
		return err
	}
	a.Pages.Notice = a.Billing.Notice
	a.Pages.Banner, a.Pages.Badges = a.banner, a.badges
	desk := console.New(console.Deps{DB: a.DB, Pages: a.Pages, Health: a.Health, Audit: a.Audit.Log, Auth: a.Auth, Jobs: a.Jobs, Queue: a.Queue, Flags: a.Flags, Observe: a.Observe, Launch: a.Backups.Score})

	var own Extension
	if a.o.Extend != nil {
		own = a.o.Extend(a)
	}
	if err := own.check(); err != nil {
		return err
	}
	for _, kinds := range append(catalogs(), own.Actions) {
		if err := a.Audit.Declare(kinds...); err != nil {
			return err
		}
	}
	if err := a.Audit.Open(ctx); err != nil {
		return err
	}
	if err := a.Email.Open(ctx); err != nil {
		return err
	}
	if err := a.Auth.Open(ctx); err != nil {
		return err
	}
	if err := a.Jobs.Open(ctx); err != nil {
		return err
	}
	if err := a.Flags.Open(ctx); err != nil {
		return err
	}
	if err := a.Observe.Start(ctx); err != nil {
		return err
	}
	if err := a.Proxy.Open(ctx); err != nil {
		return err
	}
	if err := a.Billing.Open(ctx); err != nil {
		return err
	}
	if a.restored {
		if err := a.Billing.Restored(ctx); err != nil {
			return err
		}
	}
	if err := a.DB.Protect(ctx, audit.Rules()...); err != nil {
		return err
	}
	a.Replies = &web.Replies{DB: a.DB, Keys: keys, Log: a.log}
	a.Audit.Jobs(a.Queue)
	a.Email.Jobs(a.Queue)
	a.Auth.Jobs(a.Queue)
	a.Jobs.Jobs(a.Queue)
	a.Flags.Jobs(a.Queue)
	a.Billing.Jobs(a.Queue)
	a.Backups.Jobs(a.Queue)
	a.Observe.Jobs(a.Queue)
	if a.SMS != nil {
		a.SMS.Jobs(a.Queue)
	}
	if own.Jobs != nil {
		own.Jobs(a.Queue)
	}
	var routes []web.Route
	if a.StandIn != nil {
		a.StandIn.Pages = a.Pages
		routes = a.StandIn.Routes()
	}
	if a.Simulator != nil {
		routes = append(routes, a.Simulator.Routes()...)
	}
	for _, more := range [][]web.Route{a.routes(), a.Auth.Routes(), a.Audit.Routes(), a.Email.Routes(), a.Jobs.Routes(), a.Flags.Routes(), a.Billing.Routes(), a.Proxy.Routes(), a.Observe.Routes(), a.Backups.Routes(), desk.Routes(), own.Routes} {
		routes = append(routes, more...)
	}
	if err := a.declare(ctx, own, routes); err != nil {
		return err
	}
	a.Web, err = web.NewServer(web.Options{Log: a.log, Clock: a.o.Clock, NewID: a.DB.NewID, TrustedProxies: cfg.TrustedProxies,
		Production: cfg.Production(), Pages: a.Pages, Static: static, Sessions: a.Auth.Sessions(), Guard: a.Auth, Limiter: limiter,
		Home: own.Home, Front: a.front(own), Observe: a.metrics.request, Capture: a.Observe.Fault, Within: a.within, Writable: a.Billing.Writable, Stop: a.stopping, Replies: a.Replies, Refused: a.Audit.Refused, Dialects: []web.Dialect{a.Flags.Dialect()}}, routes)
	return err
}

// catalogs are the actions of our systems.
func catalogs() [][]audit.Kind {
	return [][]audit.Kind{auth.Actions, email.Actions, sms.Actions, jobs.Actions, outbox.Actions, flags.Actions, billing.Actions, proxy.Actions, observe.Actions, ops.Actions}
}

// declare fills the catalogue of permissions: what systems ask for, and what the
// embedding program adds.
func (a *App) declare(ctx context.Context, own Extension, routes []web.Route) error {
	if err := a.Auth.Declare(slices.Concat(auth.Permissions, audit.Permissions, console.Permissions, email.Permissions, jobs.Permissions, flags.Permissions, billing.Permissions, proxy.Permissions, observe.Permissions, ops.Permissions), slices.DeleteFunc(slices.Clone(routes), own.asks)); err != nil {
		return err
	}
	for _, p := range own.Permissions {
		if err := a.Auth.DeclarePermission(ctx, p); err != nil {
			return fmt.Errorf("permission %s: %w", p.Name, err)
		}
	}
	return nil
}

// within is what handlers find in their context: whom to ask for flags, and what the
// plan gives.
func (a *App) within(ctx context.Context) context.Context {
	return a.Billing.Into(a.Flags.Into(a.Observe.Begin(ctx)))
}

// Close releases the database. Run closes on its own.
func (a *App) Close() error {
	a.o.Hasher.Close()
	err := a.Observe.Close()
	if a.DB == nil {
		return err
	}
	if a.replica != nil {
		err = errors.Join(err, a.closeReplica())
	}
	return errors.Join(err, a.DB.Close())
}
