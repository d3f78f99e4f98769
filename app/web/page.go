package web

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"seaworthy/store/trail"
)

// Pages are the server-rendered pages: layouts and components shared by all,
// and one file a page at pages/<system>/<page>.html that names its layout and
// defines "content".
type Pages struct {
	files pageFiles
	site  Site
	clock func() time.Time

	// Banner is what all who open the console must know now; it may be nil, or
	// return nil. It is asked for each page and has to be quick.
	Banner func() *Banner

	// Badges are how many things behind an entry of the navigation need a person, by its path; it may
	// be nil, and has to be quick.
	Badges func() map[string]int

	// Dress is the brand that pages for customers wear; it may be nil. It is asked for each page
	// and has to be quick.
	Dress func() Dress

	// Setup is how far the set-up of the installation is; it may be nil, or return nil once that
	// is over. It is asked for each page of the console that whoever may see it opens.
	Setup func(r *http.Request) *Setup

	// Notice is what whoever opens a page of an org must know now; it may be nil, or
	// return nil. It is asked for each page and has to be quick.
	Notice func(r *http.Request) *Banner

	// Managed says, on pages of the console, that a file has the say over what is shown; it
	// may be nil, or return "". It is asked for each page and has to be quick.
	Managed func(r *http.Request) string
}

// Banner is a message above every page of the console.
type Banner struct{ Text, Path, Link string }

// Dress is what the brand makes of pages for customers. The console keeps ours but for the name.
type Dress struct {
	Name         string // of the product
	Style        string // path of a stylesheet over ours; "" for none
	Logo         string // path of an image; "" for our mark
	LogoW, LogoH int    // pixels
	Worded       bool   // the name stands beside the logo, which is only a mark
	Icon         string // path of an image for the browser's tab; "" for ours
}

// Setup is how many steps of the set-up are done.
type Setup struct{ Done, Of int }

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
	Dress    Dress   // the brand's, unless it was set to try another
	Setup    *Setup  // nil: nothing is to be set up, or it is not for whoever looks
	Banner   *Banner // nil: nothing
	Notice   *Banner // nil: nothing
	Badges   map[string]int
	Managed  string // what a file has the say over; "" for nothing
}

// Form is what was typed and what is wrong with it.
type Form struct {
	Values map[string]string
	Err    *Error
}

// Value is what was typed into a field.
func (f *Form) Value(name string) string { return f.Values[name] }

// Site is what every page knows of the installation, with the brand's name.
func (p *Pages) Site() Site {
	site := p.site
	site.Brand = p.dress().Name
	return site
}

// dress is the brand as it is now.
func (p *Pages) dress() (d Dress) {
	if p.Dress != nil {
		d = p.Dress()
	}
	d.Name = cmp.Or(d.Name, p.site.Brand)
	return d
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// Render writes a page. It is rendered whole before the first byte is sent, so a
// fault in a template cannot leave half a page.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, name string, v View) error {
	page, err := p.files.page(name)
	if err != nil {
		return err
	}
	v.Site, v.Origin, v.Path, v.Now = p.site, OriginOf(r.Context()), r.URL.Path, p.clock()
	if v.Dress == (Dress{}) {
		v.Dress = p.dress()
	}
	v.Site.Brand = v.Dress.Name
	v.Identity = v.Origin.Identity
	if p.Setup != nil && strings.HasPrefix(v.Path, "/-/admin") && v.Identity.Can("console:read") {
		v.Setup = p.Setup(r)
	}
	if p.Banner != nil {
		v.Banner = p.Banner()
	}
	if p.Badges != nil {
		v.Badges = p.Badges()
	}
	if p.Notice != nil {
		v.Notice = p.Notice(r)
	}
	if p.Managed != nil {
		v.Managed = p.Managed(r)
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
		return trail.Mark(fmt.Errorf("page %s: %w", name, err))
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(v.Status)
	_, err = buf.WriteTo(w)
	return err
}
