package email

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"seaworthy/app/email/eml"
	"seaworthy/app/web"
	"seaworthy/store"
)

type inboxItem struct {
	ID, From, To, Subject string
	At                    time.Time
	Unread, Selected      bool
	SMS, Foreign          bool // foreign: it came over SMTP
	Attachments           int
}

type inboxPage struct {
	Messages   []inboxItem
	Selected   *inboxSelected
	Text       *Text // that is shown instead; nil for none
	View       string
	Width      string
	Scheme     string // light or dark
	Images     bool   // those of other hosts are loaded
	Query      string
	Unread     bool
	Before     string // id below which the list begins; "" for the newest
	List       string // this list's query with its question mark, for links that keep it
	Older      string // address of the page below; "" on the last
	UnreadOnly string // addresses of the chips
	All        string
	Faults     faultStatus
	Listener   string // where the SMTP listener is; "" if it is not there
	Done       string
}

type inboxSelected struct {
	Row         inboxRow
	Letter      eml.Letter
	At          time.Time
	Source      string
	Cut         bool // the source is longer than what is shown
	Seen        eml.Seen
	Attachments []part // with the images that the HTML shows
	Attached    int    // without them
	Checks      []eml.Finding
	Worst       string // level of the worst check
	Hidden      []string
	Simulate    bool // a provider's feedback can be made up
}

// views are the ways to look at a mail.
var views = []string{"html", "text", "attachments", "links", "checks", "headers", "source"}

// maxSourceShown is how much of a source a page shows, in bytes.
const maxSourceShown = 256 << 10

func (s *System) inboxList(w http.ResponseWriter, r *http.Request) error {
	if web.WantsJSON(r) {
		return s.inboxAPI(w, r)
	}
	p, err := s.inboxPage(r, nil)
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "email/inbox", web.View{Title: "Inbox", Data: p})
}

func (s *System) inboxShow(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if strings.HasPrefix(id, textID) {
		return s.textShow(w, r, id)
	}
	m, err := s.mail(r)
	if err != nil {
		return err
	}
	if web.WantsJSON(r) {
		return web.JSON(w, http.StatusOK, m.json())
	}
	if !m.Read {
		if err := s.DB.Write(r.Context(), func(tx *store.Tx) error { return markRead(tx, id) }); err != nil {
			return err
		}
	}
	p, err := s.inboxPage(r, &m)
	if err != nil {
		return err
	}
	title := m.Subject
	if title == "" {
		title = "No subject"
	}
	return s.Pages.Render(w, r, "email/inbox", web.View{Title: title, Data: p})
}

// inboxPage is the list of mails and texts, the newest first, with a mail that is
// shown or none.
func (s *System) inboxPage(r *http.Request, selected *inboxRow) (inboxPage, error) {
	p := s.newInboxPage(r.URL.Query())
	f := inboxFilter{Query: p.Query, Unread: p.Unread, Before: p.Before, Limit: inboxLimit + 1}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		rows, err := listInbox(tx, f)
		if err != nil {
			return err
		}
		p.mails(rows, selected)
		if f.Before != "" {
			return nil
		}
		texts, err := s.listTexts(tx, p.Query)
		for _, t := range texts {
			subject, _, _ := strings.Cut(t.Body, "\n")
			if !p.Unread || !t.Read {
				p.Messages = append(p.Messages, inboxItem{ID: t.ID, To: t.To, Subject: subject, At: t.At, Unread: !t.Read, SMS: true})
			}
		}
		return err
	})
	slices.SortStableFunc(p.Messages, func(a, b inboxItem) int { return b.At.Compare(a.At) })
	if selected != nil {
		p.Selected = s.open(*selected, p.View)
	}
	return p, err
}

// newInboxPage reads how the list and the mail are to be shown. What is not known
// changes nothing.
func (s *System) newInboxPage(q url.Values) inboxPage {
	p := inboxPage{View: q.Get("view"), Width: q.Get("width"), Scheme: q.Get("scheme"), Images: q.Get("images") == "1", Query: web.CleanText(q.Get("q"), 200), Unread: q.Get("unread") == "1", Before: web.CleanText(q.Get("before"), 64),
		Faults: s.faults.status(), Listener: s.listening(), Done: inboxDone[q.Get("done")]}
	if !slices.Contains(views, p.View) {
		p.View = "html"
	}
	if p.Width != "375" && p.Width != "600" {
		p.Width = "full"
	}
	if p.Scheme != "dark" {
		p.Scheme = "light"
	}
	p.List = withQuery("", p.keep(url.Values{}))
	all, unread := p, p
	all.Unread, unread.Unread = false, true
	all.Before, unread.Before = "", "" // of another list
	p.All, p.UnreadOnly = withQuery(inboxBase, all.keep(url.Values{})), withQuery(inboxBase, unread.keep(url.Values{}))
	return p
}

func withQuery(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// At is the mail that is open in another view, with the list as it is.
func (p inboxPage) At(view string) string {
	return withQuery(inboxBase+"/"+p.Selected.Row.ID, p.keep(url.Values{"view": {view}}))
}

// Look is its HTML at a width and in a scheme.
func (p inboxPage) Look(width, scheme string, images bool) string {
	q := p.keep(url.Values{"view": {"html"}, "width": {width}, "scheme": {scheme}})
	if images {
		q.Set("images", "1")
	}
	return withQuery(inboxBase+"/"+p.Selected.Row.ID, q)
}

// keep adds what makes the list what it is.
func (p inboxPage) keep(q url.Values) url.Values {
	if p.Before != "" {
		q.Set("before", p.Before)
	}
	if p.Query != "" {
		q.Set("q", p.Query)
	}
	if p.Unread {
		q.Set("unread", "1")
	}
	return q
}

// mails fills the list.
func (p *inboxPage) mails(rows []inboxRow, selected *inboxRow) {
	if len(rows) > inboxLimit {
		rows = rows[:inboxLimit]
		below := *p
		below.Before = rows[inboxLimit-1].ID
		p.Older = withQuery(inboxBase, below.keep(url.Values{}))
	}
	for _, m := range rows {
		open := selected != nil && m.ID == selected.ID
		item := inboxItem{ID: m.ID, From: m.From, To: m.To, Subject: m.Subject, At: time.UnixMilli(m.At), Unread: !m.Read && !open, Selected: open, Foreign: m.Origin == fromSMTP}
		for _, part := range m.attachments() {
			if !part.Inline {
				item.Attachments++
			}
		}
		p.Messages = append(p.Messages, item)
	}
}

// open reads a mail for its page.
func (s *System) open(m inboxRow, view string) *inboxSelected {
	o := &inboxSelected{Row: m, Letter: eml.Read(m.Source), At: time.UnixMilli(m.At), Attachments: m.attachments(), Simulate: m.Message != ""}
	if m.Origin == fromSeaworthy { // as it was written, before any encoding
		o.Letter.Text, o.Letter.HTML = m.Text, m.HTML
	}
	o.Seen = eml.Scan(o.Letter.Text, o.Letter.HTML)
	o.Checks = o.Letter.Check(o.Seen)
	for _, level := range []string{"ok", "warn", "danger"} {
		if slices.ContainsFunc(o.Checks, func(f eml.Finding) bool { return f.Level == level }) {
			o.Worst = level
		}
	}
	shown := eml.Addresses(m.To + "," + m.Cc)
	for _, address := range strings.Fields(m.Recipients) {
		if !slices.Contains(shown, address) {
			o.Hidden = append(o.Hidden, address)
		}
	}
	for _, part := range o.Attachments {
		if !part.Inline {
			o.Attached++
		}
	}
	if view == "source" {
		o.Cut = len(m.Source) > maxSourceShown
		o.Source = strings.ToValidUTF8(string(m.Source[:min(len(m.Source), maxSourceShown)]), "\uFFFD")
	}
	return o
}
