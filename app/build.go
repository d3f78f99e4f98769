package app

import (
	"context"
	"io/fs"
	"path/filepath"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/auth/oidc"
	"seaworthy/app/console"
	"seaworthy/app/email"
	"seaworthy/app/email/compose"
	"seaworthy/app/flags"
	"seaworthy/app/observe"
	"seaworthy/app/web"
	"seaworthy/app/welcome"
	"seaworthy/queue"
	"seaworthy/store"
)

// building is the app while it is made, and what is needed for that alone.
type building struct {
	*App
	files   fs.FS
	static  *web.Static
	social  []*oidc.Provider
	limiter *web.Limiter
	console *console.System
	setup   *welcome.System
	own     Extension
	all     []web.Route
}

// build makes the systems, each from those before it: this is their order.
func (a *App) build(ctx context.Context, files fs.FS) error {
	b := &building{App: a, files: files, limiter: web.NewLimiter(a.o.Clock, a.Config.RateLimits == "off")}
	for _, step := range []func(context.Context) error{
		b.site, b.ground, b.mail, b.switches, b.people, b.work, b.desk, b.extend,
		b.declare, b.open, b.run, b.collect, b.serve,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// site makes the pages that all systems show.
func (b *building) site(context.Context) (err error) {
	if b.static, err = web.NewStatic(b.files, "css", "js", "icons"); err != nil {
		return err
	}
	if b.social, err = b.providers(); err != nil {
		return err
	}
	site := web.Site{Brand: b.Config.Brand, URL: b.Config.URL, Production: b.Config.Production(), Inbox: !b.Config.HasMail() && len(b.o.Carriers) == 0, Nav: console.Nav(), SignIn: ways(b.social)}
	if b.Pages, err = web.NewPages(b.files, b.static, site, b.o.Clock); err != nil || b.o.Own.Name == "" {
		return err
	}
	return b.Pages.Check(b.o.Own.Name)
}

// ground makes what all others stand on: figures, the queue and the log of changes.
func (b *building) ground(context.Context) error {
	b.metrics = newMetrics(b.App)
	b.Queue = queue.New(b.DB, queue.Options{Log: b.log, Workers: 64, Failed: b.Observe.Job, Ended: b.jobEnded, Begin: b.Observe.Attempt})
	b.Audit = audit.New(audit.Deps{DB: b.DB, Logger: b.log, Pages: b.Pages, URL: b.Config.URL, Keys: filepath.Join(b.Config.Data, "keys"),
		Exports: filepath.Join(b.Config.Data, "exports"), Vaults: b.vaults(), Restored: b.restored, Confirmed: b.Confirm, Scrub: b.scrub, FindOrg: auth.FindOrg})
	return nil
}

// mail makes what sends mails and texts.
func (b *building) mail(context.Context) error {
	carriers, streams, err := b.mailCarriers(b.Config)
	if err != nil {
		return err
	}
	told, err := b.mailFeedback()
	if err != nil {
		return err
	}
	if b.Email, err = email.New(email.Deps{DB: b.DB, Audit: b.Audit.Log, Keys: b.keys, Log: b.log, Pages: b.Pages, Files: b.files,
		From: b.Config.MailFrom, Brand: compose.Brand{Name: b.Config.Brand, URL: b.Config.URL}, Providers: carriers, Streams: streams, Rates: b.Config.MailRate(func(string, ...any) {}), Domains: b.Config.MailDomains, Keep: time.Duration(b.Config.MailDays) * 24 * time.Hour, Texts: caught{}, InboxSMTP: b.Config.InboxAddress(),
		Feedback: told, Addresses: auth.Addresses}); err != nil {
		return err
	}
	b.SMS, err = b.texts(b.keys)
	return err
}

// switches makes the feature flags, and what takes jobs from the app's own files.
func (b *building) switches(context.Context) error {
	b.Outbox = b.outboxes()
	b.Flags = flags.New(flags.Deps{DB: b.DB, Queue: b.Queue, Audit: b.Audit.Log, Log: b.log,
		Facts: func(tx *store.Tx, user, org string) (map[string]any, error) { return b.Auth.Facts(tx, user, org) },
		Keys:  b.keys, URL: b.Config.URL, Origins: b.Config.FlagOrigins(), Unlimited: b.limiter.Off()})
	return nil
}

// people makes accounts, orgs and sign-in.
func (b *building) people(context.Context) error {
	places, err := openPlaces(b.Config)
	if err != nil {
		return err
	}
	b.Auth = auth.New(auth.Deps{DB: b.DB, Audit: b.Audit.Log, Mail: b.Email, Log: b.log, Pages: b.Pages, Limiter: b.limiter,
		URL: b.Config.URL, Secure: b.Config.Production(), Hasher: b.o.Hasher,
		Master: b.keys, Grace: time.Duration(b.Config.RefreshGrace) * time.Second, Places: places, Social: b.social, Texts: texter(b.SMS),
		Breaches: b.breaches(b.Config), EmailSignIn: b.Config.EmailSignIn != "off",
		Plans:   planner{b.App},
		Grow:    func(tx *store.Tx, org string) error { return b.Billing.Grow(tx, org) },
		Forgets: []func(*store.Tx, string) error{b.Flags.Forget},
		Folder:  filepath.Join(b.Config.Data, "exports", "people"), Erase: b.Audit.Erase, Exports: []auth.ExportPart{
			{Name: "mails", About: "the mails we sent you or that were about you", Write: b.Email.ExportPerson},
			{Name: "mail_events", About: "what became of the mails to your addresses", Write: b.Email.ExportEvents},
			{Name: "mail_consents", About: "which mails you said yes and no to", Write: b.Email.ExportConsents},
			{Name: "mail_preferences", About: "which mails you get, and what is held back from your addresses", Write: b.Email.ExportPreferences},
			{Name: "events", About: "what you did here, and what others did to your account", Write: b.Audit.ExportPerson},
		}})
	return nil
}

// work makes what stands in front of the app and works for it, watches over it, and sells it.
func (b *building) work(ctx context.Context) (err error) {
	if b.Jobs, err = b.jobs(b.keys); err != nil {
		return err
	}
	if b.Proxy, err = b.proxy(); err != nil {
		return err
	}
	outside, err := b.outside()
	if err != nil {
		return err
	}
	b.Observe.Attach(observe.Deps{DB: b.DB, Audit: b.Audit.Log, Pages: b.Pages, URL: b.Config.URL, People: address, Outside: outside})
	if b.Heartbeat, err = b.heartbeat(); err != nil {
		return err
	}
	if b.Backups, err = b.backups(); err != nil {
		return err
	}
	b.Billing, err = b.billing(ctx, b.keys)
	return err
}

// desk makes the operator's pages, and tells all pages what only these systems know.
func (b *building) desk(context.Context) error {
	b.Apply = b.applying()
	b.Pages.Notice, b.Pages.Managed = b.Billing.Notice, b.Apply.Managed
	b.Pages.Dress = b.Email.Dress
	b.Pages.Banner, b.Pages.Badges = b.banner, b.badges
	b.console = console.New(console.Deps{DB: b.DB, Pages: b.Pages, Health: b.Health, Audit: b.Audit.Log, Auth: b.Auth, Jobs: b.Jobs, Queue: b.Queue, Flags: b.Flags, Observe: b.Observe, Launch: b.Backups.Score, Glances: b.glances(), Finds: b.finds(), Release: b.o.Version})
	return nil
}

// extend takes what the embedding program adds.
func (b *building) extend(context.Context) error {
	if b.o.Extend != nil {
		b.own = b.o.Extend(b.App)
	}
	if err := b.own.check(); err != nil {
		return err
	}
	b.setup = b.welcome(b.own.Home != nil)
	b.Pages.Setup = b.setup.Progress
	return nil
}

// declare fills the catalogue of actions.
func (b *building) declare(context.Context) error {
	for _, kinds := range append(catalogs(), b.own.Actions) {
		if err := b.Audit.Declare(kinds...); err != nil {
			return err
		}
	}
	return nil
}

// open has each system read what it keeps in memory.
func (b *building) open(ctx context.Context) error {
	for _, open := range []func(context.Context) error{b.Audit.Open, b.Email.Open, b.Auth.Open, b.Jobs.Open, b.Flags.Open, b.Observe.Start, b.Proxy.Open, b.Billing.Open, b.Apply.Open} {
		if err := open(ctx); err != nil {
			return err
		}
	}
	if b.restored {
		if err := b.Billing.Restored(ctx); err != nil {
			return err
		}
	}
	return b.DB.Protect(ctx, audit.Rules()...)
}

// run gives the queue its handlers.
func (b *building) run(context.Context) error {
	b.Audit.Jobs(b.Queue)
	b.Email.Jobs(b.Queue)
	b.Auth.Jobs(b.Queue)
	b.Jobs.Jobs(b.Queue)
	b.Flags.Jobs(b.Queue)
	b.Billing.Jobs(b.Queue)
	b.Proxy.Jobs(b.Queue)
	b.Backups.Jobs(b.Queue)
	b.Observe.Jobs(b.Queue)
	if b.SMS != nil {
		b.SMS.Jobs(b.Queue)
	}
	if b.own.Jobs != nil {
		b.own.Jobs(b.Queue)
	}
	return nil
}

// collect gathers the routes.
func (b *building) collect(ctx context.Context) error {
	if b.StandIn != nil {
		b.StandIn.Pages = b.Pages
		b.all = b.StandIn.Routes()
	}
	if b.Simulator != nil {
		b.all = append(b.all, b.Simulator.Routes()...)
	}
	for _, more := range [][]web.Route{
		b.routes(), web.Of("auth", b.Auth.Routes()), web.Of("audit", b.Audit.Routes()), web.Of("email", b.Email.Routes()), web.Of("jobs", b.Jobs.Routes()), web.Of("flags", b.Flags.Routes()),
		web.Of("billing", b.Billing.Routes()), web.Of("access", b.Proxy.Routes()), web.Of("observe", b.Observe.Routes()), web.Of("ops", b.Backups.Routes()), web.Of("apply", b.Apply.Routes()),
		b.console.Routes(), web.Of("welcome", b.setup.Routes()), b.docs(b.own).Routes(), web.Of(b.o.Own.Name, b.own.Routes),
	} {
		b.all = append(b.all, more...)
	}
	return b.declarePermissions(ctx, b.own, b.all)
}

// serve makes the server over all of them.
func (b *building) serve(context.Context) (err error) {
	b.Replies = &web.Replies{DB: b.DB, Keys: b.keys, Log: b.log}
	b.Web, err = web.NewServer(web.Options{Log: b.log, Clock: b.o.Clock, NewID: b.DB.NewID, TrustedProxies: b.Config.TrustedProxies,
		Production: b.Config.Production(), Pages: b.Pages, Static: b.static, Sessions: b.Auth.Sessions(), Guard: b.Auth, Limiter: b.limiter,
		Home: b.own.Home, Front: b.front(b.own), Observe: b.metrics.request, Capture: b.Observe.Fault, Within: b.within, Writable: b.Billing.Writable, Stop: b.stopping, Replies: b.Replies, Refused: b.Audit.Refused, Dialects: []web.Dialect{b.Flags.Dialect()}}, b.all)
	return err
}
