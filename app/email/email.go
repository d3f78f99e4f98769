// Package email decides on, renders and delivers mail. A message is stored with
// the change that causes it and sent by a job after the commit, so no request
// ever waits for a mail server and no rolled-back change is ever announced.
package email

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/mail"
	"strings"
	"sync/atomic"

	"seaworthy/app/audit"
	"seaworthy/app/email/compose"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Deps are what email needs of the rest.
type Deps struct {
	DB        *store.DB
	Audit     *audit.Log
	Keys      *seal.Keys
	Log       *slog.Logger
	Pages     *web.Pages
	Files     fs.FS // with mail/<system>/<template>.txt
	From      string
	Brand     compose.Brand
	Provider  Provider // nil: the development inbox
	Texts     Texts    // that the inbox shows too; nil: none
	InboxSMTP string   // where the inbox takes mail over SMTP, as host:port; "" for nowhere
}

// System is email as the other systems use it.
type System struct {
	Deps
	from      *mail.Address
	templates map[string]*compose.Template
	provider  Provider
	inbox     bool

	// Of the development inbox:
	faults      faultState
	waiting     chan struct{} // a place for each request that waits for mail
	caughtCount atomic.Int64
	listener    atomic.Pointer[string] // where mail is taken over SMTP; nil: nowhere
}

// The actions email records.
const (
	actSent   audit.Action = "email.sent"
	actFailed audit.Action = "email.failed"

	actSimulated audit.Action = "email.feedback_simulated"
)

// Actions are email's part of the catalogue.
var Actions = []audit.Kind{
	{Action: actSent, Title: "Mail sent", Means: "A message was handed to the mail provider."},
	{Action: actFailed, Title: "Mail failed", Means: "A message could not be sent and will not be tried again."},
	{Action: actSimulated, Title: "Mail feedback simulated", Means: "In development, somebody made up what a provider reports of a message, such as a bounce."},
}

// New parses every template; a faulty one is an error at start.
func New(d Deps) (*System, error) {
	s := &System{Deps: d, templates: map[string]*compose.Template{}, provider: d.Provider, waiting: make(chan struct{}, maxWaiting)}
	if s.provider == nil {
		s.provider, s.inbox = inboxProvider{s}, true
	}
	from, err := mail.ParseAddress(d.From)
	if err != nil {
		return nil, fmt.Errorf("sender %q: %w", d.From, err)
	}
	s.from = from
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
	}
	return s, nil
}

// Jobs registers what email does in the background.
func (s *System) Jobs(q *queue.Queue) { queue.Handle(q, s.deliver) }

// Routes are the console's pages of mail, and the development inbox when that is
// where mail goes.
func (s *System) Routes() []web.Route {
	routes := s.consoleRoutes()
	if s.inbox {
		routes = append(routes, s.inboxRoutes()...)
	}
	return routes
}
