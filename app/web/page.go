package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// Pages are the server-rendered pages: layouts and components shared by all,
// and one file a page at pages/<system>/<page>.html that names its layout and
// defines "content".
type Pages struct {
	set   map[string]*template.Template
	site  Site
	clock func() time.Time

	// Banner is what all who open the console must know now; it may be nil, or
	// return nil. It is asked for each page and has to be quick.
	Banner func() *Banner

	// Badges are how many things behind an entry of the navigation need a person, by its path; it may
	// be nil, and has to be quick.
	Badges func() map[string]int

	// Notice is what whoever opens a page of an org must know now; it may be nil, or
	// return nil. It is asked for each page and has to be quick.
	Notice func(r *http.Request) *Banner
}

// Banner is a message above every page of the console.
type Banner struct{ Text, Path, Link string }

// Site is what every page knows of the installation.
type Site struct {
	Brand      string
	URL        string
	Production bool
	Inbox      bool // mail goes to the development inbox
	Nav        []NavGroup
	SignIn     []SignInWay
}

// SignInWay is an identity provider where people can sign in instead.
type SignInWay struct{ Name, Label, Icon string }

// NavGroup is a part of the console's navigation.
type NavGroup struct {
	Label string
	Items []NavItem
}

// NavItem leads to a page of the console.
type NavItem struct{ Label, Path, Icon string }

// View is what a page is rendered from.
type View struct {
	Title  string
	Status int   // 200 if 0
	Data   any   // the page's own
	Form   *Form // on pages with a form; never nil in the template

	// Filled in by Render.
	Site     Site
	Identity Identity
	Origin   *Origin
	Path     string
	Now      time.Time
	Banner   *Banner // nil: nothing
	Notice   *Banner // nil: nothing
	Badges   map[string]int
}

// Form is what was typed and what is wrong with it.
type Form struct {
	Values map[string]string
	Err    *Error
}

// Value is what was typed into a field.
func (f *Form) Value(name string) string { return f.Values[name] }

// NewPages parses every page below pages/ of fsys.
func NewPages(fsys fs.FS, static *Static, site Site, clock func() time.Time) (*Pages, error) {
	p := &Pages{set: map[string]*template.Template{}, site: site, clock: clock}
	funcs := p.funcs(static)
	base, err := template.New("base").Funcs(funcs).ParseFS(fsys, "pages/*.html")
	if err != nil {
		return nil, fmt.Errorf("layouts: %w", err)
	}
	files, err := fs.Glob(fsys, "pages/*/*.html")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(file, "pages/"), ".html")
		name = strings.TrimPrefix(name, "web/")
		page, err := template.New(path.Base(file)).Funcs(funcs).Option("missingkey=error").Parse(string(text))
		if err == nil {
			err = assemble(page, base)
		}
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		p.set[name] = page
	}
	return p, nil
}

// Site is what every page knows of the installation.
func (p *Pages) Site() Site { return p.site }

// Names are the pages there are.
func (p *Pages) Names() []string {
	var names []string
	for n := range p.set {
		names = append(names, n)
	}
	return names
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render writes a page. It is rendered whole before the first byte is sent, so a
// fault in a template cannot leave half a page.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, name string, v View) error {
	page := p.set[name]
	if page == nil {
		return fmt.Errorf("there is no page %q", name)
	}
	v.Site, v.Origin, v.Path, v.Now = p.site, OriginOf(r.Context()), r.URL.Path, p.clock()
	v.Identity = v.Origin.Identity
	if p.Banner != nil {
		v.Banner = p.Banner()
	}
	if p.Badges != nil {
		v.Badges = p.Badges()
	}
	if p.Notice != nil {
		v.Notice = p.Notice(r)
	}
	if v.Form == nil {
		v.Form = &Form{}
	}
	if v.Status == 0 {
		v.Status = http.StatusOK
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if err := page.Execute(buf, v); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(v.Status)
	_, err := buf.WriteTo(w)
	return err
}
