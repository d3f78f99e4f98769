package docs

import (
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"regexp"
	"strings"
)

// library is the guide as it is shown.
type library struct {
	pages map[string]*page
	order []*page
}

// page is one that was written by hand.
type page struct {
	name, title string
	Title       string
	Summary     string
	Body        template.HTML
	headings    []heading
	parts       []part
}

// part is what stands below one heading, as text, for the search.
type part struct {
	heading heading // its ID is "" for what stands before the first
	text    string
}

// readLibrary reads every page of the guide. url takes the place of [[url]], so that
// what a reader copies works here.
func readLibrary(files fs.FS, url string) (*library, error) {
	l := &library{pages: map[string]*page{}}
	for _, sec := range contents() {
		for _, e := range sec.Entries {
			if e.Made {
				continue
			}
			raw, err := fs.ReadFile(files, "guide/"+e.Name+".html")
			if err != nil {
				return nil, err
			}
			p, err := newPage(e, strings.ReplaceAll(string(raw), "[[url]]", html.EscapeString(url)))
			if err != nil {
				return nil, fmt.Errorf("page %s: %w", e.Name, err)
			}
			l.pages[e.Name] = p
			l.order = append(l.order, p)
		}
	}
	return l, nil
}

var (
	headingForm = regexp.MustCompile(`<h([23]) id="([a-z0-9-]+)">(.*?)</h[23]>`)
	codeForm    = regexp.MustCompile(`(?s)<pre><code[^>]*>.*?</code></pre>`)
	tagForm     = regexp.MustCompile(`<[^>]*>`)
	holderForm  = regexp.MustCompile(`\[\[[a-z]+\]\]`)
	tableForm   = regexp.MustCompile(`</?table>`)
)

// newPage prepares a page: its headings lead to themselves, its code can be copied.
// The text is ours, from the binary, and is trusted as a template is.
func newPage(e entry, text string) (*page, error) {
	p := &page{name: e.Name, title: e.Title, Title: e.Title, Summary: e.Summary}
	if unknown := holderForm.FindString(text); unknown != "" {
		return nil, fmt.Errorf("there is nothing to put in the place of %s", unknown)
	}
	ids := map[string]bool{}
	at, before := heading{}, 0
	for _, m := range headingForm.FindAllStringSubmatchIndex(text, -1) {
		h := heading{ID: text[m[4]:m[5]], Title: plain(text[m[6]:m[7]]), Level: int(text[m[2]] - '0')}
		if ids[h.ID] {
			return nil, fmt.Errorf("two headings with the id %s", h.ID)
		}
		ids[h.ID] = true
		p.parts = append(p.parts, part{at, plain(text[before:m[0]])})
		at, before = h, m[1]
		p.headings = append(p.headings, h)
	}
	p.parts = append(p.parts, part{at, plain(text[before:])})

	text = headingForm.ReplaceAllString(text, `<h$1 id="$2"><a href="#$2">$3</a></h$1>`)
	text = codeForm.ReplaceAllStringFunc(text, func(code string) string {
		return `<div class="code"><button class="button button-quiet needs-js" type="button" data-copy-code>Copy</button>` + code + `</div>`
	})
	text = tableForm.ReplaceAllStringFunc(text, func(tag string) string {
		if tag == "<table>" {
			return `<div class="doc-table"><table>`
		}
		return tag + "</div>"
	})
	p.Body = template.HTML(text)
	return p, nil
}

// plain is the text of a piece of HTML.
func plain(text string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tagForm.ReplaceAllString(text, " "))), " ")
}
