// Package email decides on, renders and delivers mail. A message is stored with
// the change that causes it and sent by a job after the commit, so no request
// ever waits for a mail server and no rolled-back change is ever announced.
package email

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/mail"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email/compat"
	"seaworthy/app/email/compose"
	"seaworthy/app/email/post"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Deps are what email needs of the rest.
type Deps struct {
	DB          *store.DB
	Audit       *audit.Log
	Keys        *seal.Keys
	Log         *slog.Logger
	Pages       *web.Pages
	Files       fs.FS // with mail/<system>/<template>.txt
	From        string
	Brand       compose.Brand
	Providers   map[string]post.Provider // by name
	Streams     map[string][]string      // who delivers each stream, in the order in which they are tried; none: the development inbox
	Rates       map[string]float64       // messages a second, by provider; none: any
	Domains     []string                 // that mail may be from, beside that of From, as the DNS knows them
	UnknownWait time.Duration            // how long word is waited for of a message in doubt; 15 minutes if 0
	Keep        time.Duration            // how long messages are kept, with what became of them; 0: for ever
	Texts       Texts                    // that the inbox shows too; nil: none
	InboxSMTP   string                   // where the inbox takes mail over SMTP, as host:port; "" for nowhere
	Feedback    Feedback                 // who tells what became of messages
	// Addresses are the addresses that are a user's and nobody else's; nil: none.
	Addresses func(tx *store.Tx, user string) ([]Address, error)
}

// System is email as the other systems use it.
type System struct {
	Deps
	from      *mail.Address
	templates map[string]*compose.Template
	sources   map[string]string       // of templates, as they are written
	samples   map[string]compose.Vars // a value for each variable of templates
	library   library                 // the customer's own templates
	brand     atomic.Pointer[brandRow]
	dressed   atomic.Pointer[dressed] // of a brand, for pages
	compat    *compat.Checker
	shelf     shelf // previews that a frame is about to show
	inbox     bool
	domains   map[string]bool // that mail may be from
	large     chan struct{}   // a place for each request with large files
	queue     *queue.Queue

	// Of the development inbox:
	faults      faultState
	waiting     chan struct{} // a place for each request that waits for mail
	caughtCount atomic.Int64
	listener    atomic.Pointer[string] // where mail is taken over SMTP; nil: nowhere
}

// New parses every template; a faulty one is an error at start.
func New(d Deps) (*System, error) {
	s := &System{Deps: d, templates: map[string]*compose.Template{}, sources: map[string]string{}, samples: map[string]compose.Vars{}, waiting: make(chan struct{}, maxWaiting), large: make(chan struct{}, 2)}
	s.library.own = map[string]*kept{}
	s.brand.Store(&brandRow{})
	if s.UnknownWait == 0 {
		s.UnknownWait = unknownWait
	}
	if len(d.Streams[post.Transactional]) == 0 {
		s.inbox = true
		s.Providers = map[string]post.Provider{inboxName: inboxProvider{s}}
		s.Streams = map[string][]string{post.Transactional: {inboxName}, post.Broadcast: {inboxName}}
	}
	from, err := mail.ParseAddress(d.From)
	if err != nil {
		return nil, fmt.Errorf("sender %q: %w", d.From, err)
	}
	s.from = from
	if s.domains, err = senderDomains(d); err != nil {
		return nil, err
	}
	files, err := fs.Glob(d.Files, "mail/*/*.txt")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(d.Files, file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, "mail/"), ".txt")
		if s.templates[name], err = compose.Parse(name, string(text)); err != nil {
			return nil, err
		}
		s.sources[name] = string(text)
		sample, err := fs.ReadFile(d.Files, "mail/"+name+".json")
		if err != nil {
			return nil, fmt.Errorf("mail %s has no sample: %w", name, err)
		}
		if s.samples[name], err = parseSample(sample); err != nil {
			return nil, fmt.Errorf("sample of mail %s: %w", name, err)
		}
	}
	s.compat, err = compat.New()
	return s, err
}

// Open reads what is set in the console, and has providers that were stopped tried
// again. It is called before anything is sent.
func (s *System) Open(ctx context.Context) error {
	if err := s.openLibrary(ctx); err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		for name := range s.Providers {
			if err := probeAgain(tx, name); err != nil {
				return fmt.Errorf("mail provider %s: %w", name, err)
			}
		}
		return nil
	})
}

// Jobs registers what email does in the background.
func (s *System) Jobs(q *queue.Queue) {
	s.queue = q
	queue.Handle(q, s.deliver)
	queue.Handle(q, s.settle)
	queue.Handle(q, s.confirmTopic)
	queue.Handle(q, s.wake)
}

// Routes are all routes of mail; the development inbox is among them when that is
// where mail goes.
func (s *System) Routes() []web.Route {
	routes := slices.Concat(s.consoleRoutes(), s.brandRoutes(), s.templateAPIRoutes(), s.templatePageRoutes(),
		s.webhookRoutes(), s.sendRoutes(), s.unsubscribeRoutes(), s.suppressionRoutes(), s.categoryRoutes(), s.consentRoutes())
	if s.inbox {
		routes = append(routes, s.inboxRoutes()...)
	}
	return routes
}
