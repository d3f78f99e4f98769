package web

import (
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"
)

// pageFiles are the pages below pages/ of a tree of files. Each is parsed when it is first
// shown and kept from then on: all of them are 13 MB that few installations ever look at
// whole, and parsing them would be a third of each start.
type pageFiles struct {
	files  fs.FS
	funcs  template.FuncMap
	shared func() (*template.Template, error) // layouts and components
	pages  map[string]func() (*template.Template, error)
}

// NewPages are the pages below pages/ of fsys, none of which is read yet; see Check.
func NewPages(fsys fs.FS, static *Static, site Site, clock func() time.Time) (*Pages, error) {
	p := &Pages{site: site, clock: clock}
	f := &p.files
	f.files, f.funcs, f.pages = fsys, p.funcs(static), map[string]func() (*template.Template, error){}
	f.shared = sync.OnceValues(func() (*template.Template, error) {
		t, err := template.New("base").Funcs(f.funcs).ParseFS(fsys, "pages/*.html")
		if err != nil {
			return nil, fmt.Errorf("layouts: %w", err)
		}
		return t, nil
	})
	names, err := fs.Glob(fsys, "pages/*/*.html")
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		f.pages[pageName(file)] = sync.OnceValues(func() (*template.Template, error) { return f.parse(file) })
	}
	return p, nil
}

// Check parses all pages of a system, or of every one where it is "", and keeps none. A
// release's pages are parsed by its tests and its self-test; those that a program of your
// own brings, at each of its starts.
func (p *Pages) Check(system string) error {
	for name := range p.files.pages {
		if owner, _, _ := strings.Cut(name, "/"); system != "" && owner != system {
			continue
		}
		if _, err := p.files.parse(pageFile(name)); err != nil {
			return err
		}
	}
	return nil
}

// pageName is what a file's page is called: pages/auth/login.html is auth/login, and those
// of this package go by their last name alone.
func pageName(file string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(file, "pages/"), ".html")
	return strings.TrimPrefix(name, "web/")
}

// pageFile is the inverse of pageName.
func pageFile(name string) string {
	if !strings.Contains(name, "/") {
		name = "web/" + name
	}
	return "pages/" + name + ".html"
}

// page is a page to be shown.
func (f *pageFiles) page(name string) (*template.Template, error) {
	parsed := f.pages[name]
	if parsed == nil {
		return nil, fmt.Errorf("there is no page %q", name)
	}
	return parsed()
}

func (f *pageFiles) parse(file string) (*template.Template, error) {
	shared, err := f.shared()
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(f.files, file)
	if err != nil {
		return nil, err
	}
	page, err := template.New(path.Base(file)).Funcs(f.funcs).Option("missingkey=error").Parse(string(text))
	if err == nil {
		err = assemble(page, shared)
	}
	if err != nil {
		return nil, fmt.Errorf("page %s: %w", pageName(file), err)
	}
	return page, nil
}
