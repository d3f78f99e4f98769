// Package email decides on, renders and delivers mail. A message is stored with
// the change that causes it and sent by a job after the commit, so no request
// ever waits for a mail server and no rolled-back change is ever announced.
package email

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/mail"
	"slices"
	"strings"

	"seaworthy/app/audit"
	"seaworthy/app/email/compose"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Deps are what email needs of the rest.
type Deps struct {
	DB       *store.DB
	Audit    *audit.Log
	Keys     *seal.Keys
	Log      *slog.Logger
	Pages    *web.Pages
	Files    fs.FS // with mail/<system>/<template>.txt
	From     string
	Brand    compose.Brand
	Provider Provider // nil: the development inbox
	Texts    Texts    // that the inbox shows too; nil: none
	Feedback Feedback // who tells what became of messages
	// Addresses are the addresses that are a user's and nobody else's; nil: none.
	Addresses func(tx *store.Tx, user string) ([]Address, error)
}

// System is email as the other systems use it.
type System struct {
	Deps
	from      *mail.Address
	templates map[string]*compose.Template
	provider  Provider
	inbox     bool
}

// New parses every template; a faulty one is an error at start.
func New(d Deps) (*System, error) {
	s := &System{Deps: d, templates: map[string]*compose.Template{}, provider: d.Provider}
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
func (s *System) Jobs(q *queue.Queue) {
	queue.Handle(q, s.deliver)
	queue.Handle(q, s.confirmTopic)
}

// Routes are all routes of mail; the development inbox is among them when that is
// where mail goes.
func (s *System) Routes() []web.Route {
	routes := slices.Concat(s.webhookRoutes(), s.unsubscribeRoutes(), s.suppressionRoutes(), s.categoryRoutes(), s.consentRoutes())
	if s.inbox {
		routes = append(routes, s.inboxRoutes()...)
	}
	return routes
}
