// Package docs serves the documentation below /-/docs: the guide, whose pages are
// pieces of HTML in assets/guide, and the reference, which is rendered from the data
// that the program itself runs by, so that it cannot say what is not so.
package docs

import (
	"fmt"
	"io/fs"
	"net/http"
	"sync"

	"seaworthy/app/audit"
	"seaworthy/app/config"
	"seaworthy/app/web"
)

// base is where the documentation begins.
const base = "/-/docs"

// Deps are what the documentation is made from.
type Deps struct {
	Pages       *web.Pages
	Files       fs.FS                  // guide/<page>.html
	API         func() map[string]any  // the OpenAPI document; asked once
	Options     func() []config.Option // what can be set when the process starts
	Commands    func() []Command       // the command line; nil for a program whose own is not known
	Permissions func() []web.PermissionKind
	Actions     func() []audit.Kind
	Metrics     func() []Metric
}

// Metric is a family of figures that /-/metrics exports.
type Metric struct {
	Name, Help string
	Labels     []string
}

// System is the documentation.
type System struct {
	Deps
	library func() (*library, error)
	api     func() (*reference, error)
	program func() []Command
}

// New makes the documentation. What it is rendered from is read when somebody first
// looks, because most processes are never asked.
func New(d Deps) *System {
	s := &System{Deps: d}
	s.library = sync.OnceValues(func() (*library, error) { return readLibrary(d.Files, d.Pages.Site().URL) })
	s.api = sync.OnceValues(func() (*reference, error) { return readReference(d.API(), d.Pages.Site().URL) })
	s.program = sync.OnceValue(func() []Command {
		if d.Commands == nil {
			return nil
		}
		return d.Commands()
	})
	return s
}

// Routes are the pages of the documentation, which everybody may read.
func (s *System) Routes() []web.Route {
	page := func(path string, h web.Handler) web.Route {
		return web.Route{Method: "GET", Pattern: base + path, Access: web.Public, Handler: h}
	}
	return []web.Route{
		page("", s.front), page("/{page}", s.guide), page("/search", s.search),
		page("/api", s.apiIndex), page("/api/{system}", s.apiSystem),
		page("/config", s.configPage), page("/commands", s.commandsPage),
		page("/permissions", s.permissionsPage), page("/actions", s.actionsPage), page("/metrics", s.metricsPage),
	}
}

// link leads to a page.
type link struct{ Title, Path string }

// heading is a place in a page that can be linked to.
type heading struct {
	ID, Title string
	Level     int // 2 or 3
}

// navSection is a part of the contents beside each page.
type navSection struct {
	Title string
	Items []navItem
}

type navItem struct {
	link
	Summary string
	Here    bool
}

// frame is what the layout shows around a page.
type frame struct {
	Nav        []navSection
	Contents   []heading // on this page
	Prev, Next *link
	Query      string // what is searched for
	Content    any    // the page's own
}

// render writes a page of the documentation into its layout. here is its name in the
// contents, "" for one that is not among them.
func (s *System) render(w http.ResponseWriter, r *http.Request, template, here, title string, f frame) error {
	f.Nav = contentsWith(here)
	f.Prev, f.Next = neighbours(here)
	return s.Pages.Render(w, r, "docs/"+template, web.View{Title: title, Data: f})
}

// front is the first page: everything there is, with a line about each.
func (s *System) front(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, "front", "", "Documentation", frame{})
}

// guide is a page that was written by hand.
func (s *System) guide(w http.ResponseWriter, r *http.Request) error {
	all, err := s.library()
	if err != nil {
		return fmt.Errorf("read the guide: %w", err)
	}
	p := all.pages[r.PathValue("page")]
	if p == nil {
		return web.ErrNotFound
	}
	return s.render(w, r, "page", p.name, p.title, frame{Contents: p.headings, Content: p})
}
