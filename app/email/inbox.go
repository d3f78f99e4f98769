package email

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// The development inbox shows the mail, and the texts, that would have been sent. It is mounted
// only when mail goes nowhere else, answers only this machine and its private
// networks, and speaks JSON to programs: the customers' own end-to-end tests
// read links from it.

func (s *System) inboxRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Pattern: "/-/dev/inbox", Access: web.Public, Handler: local(s.inboxList), Doc: web.Doc{Summary: "Development inbox: the mails; with kind=text the texts", Out: []inboxJSON{}}},
		{Method: "GET", Pattern: "/-/dev/inbox/{id}", Access: web.Public, Handler: local(s.inboxShow), Doc: web.Doc{Summary: "A message of the development inbox", Out: inboxJSON{}}},
		{Method: "GET", Pattern: "/-/dev/inbox/{id}/html", Access: web.Public, Handler: local(s.inboxHTML)},
		{Method: "POST", Pattern: "/-/dev/inbox/clear", Access: web.Public, Handler: local(s.inboxClear), Exempt: "the development inbox is nobody's record"},
	}
}

// local hides a handler from the wider network.
func local(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		o := web.OriginOf(r.Context())
		if !o.Addr.IsLoopback() && !o.Addr.IsPrivate() && !o.Identity.Can("console:read") {
			return web.ErrNotFound
		}
		return h(w, r)
	}
}

// inboxJSON is a message as programs see it.
type inboxJSON struct {
	ID      string    `json:"id"`
	To      string    `json:"to"`
	From    string    `json:"from"`
	Subject string    `json:"subject"`
	HTML    string    `json:"html"`
	Text    string    `json:"text"`
	Headers []header  `json:"headers"`
	Links   []string  `json:"links"`
	At      time.Time `json:"received_at"`
}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type inboxItem struct {
	ID, From, To, Subject string
	At                    time.Time
	Unread, Selected      bool
	SMS                   bool
}

type inboxPage struct {
	Messages                  []inboxItem
	Selected                  *inboxSelected
	Text                      *Text // that is shown instead; nil for none
	View, Width, Query, Clear string
}

type inboxSelected struct {
	ID, From, To, Subject string
	At                    time.Time
	Text, Source          string
	Headers               []header
	Links                 []string
}

const inboxLimit = 100

func (s *System) inboxList(w http.ResponseWriter, r *http.Request) error {
	if web.WantsJSON(r) {
		if r.URL.Query().Get("kind") == "text" {
			return s.textsAPI(w, r)
		}
		rows, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]inboxRow, error) { return listInbox(tx, r.URL.Query().Get("q"), inboxLimit) })
		if err != nil {
			return err
		}
		out := make([]inboxJSON, len(rows))
		for i, m := range rows {
			out[i] = m.json()
		}
		return web.JSON(w, http.StatusOK, out)
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
	if web.WantsJSON(r) {
		m, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (inboxRow, error) { return inboxMessage(tx, id) })
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusOK, m.json())
	}
	m, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (inboxRow, error) { return inboxMessage(tx, id) })
	if err != nil {
		return err
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
	return s.Pages.Render(w, r, "email/inbox", web.View{Title: m.Subject, Data: p})
}

// inboxHTML is the message's own HTML, for a sandboxed frame: nothing in it runs
// and no form in it works.
func (s *System) inboxHTML(w http.ResponseWriter, r *http.Request) error {
	m, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (inboxRow, error) { return inboxMessage(tx, r.PathValue("id")) })
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	// Links in the mail open in the whole window, not in the frame.
	_, err = w.Write([]byte(strings.Replace(m.HTML, "<head>", `<head><base target="_top">`, 1)))
	return err
}

func (s *System) inboxClear(w http.ResponseWriter, r *http.Request) error {
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		if _, err := clearInbox(tx); err != nil || s.Texts == nil {
			return err
		}
		return s.Texts.Clear(tx)
	})
	if err != nil {
		return err
	}
	if web.WantsJSON(r) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return web.SeeOther(w, r, "/-/dev/inbox")
}

func page(rows []inboxRow, selected *inboxRow, r *http.Request) inboxPage {
	q := r.URL.Query()
	p := inboxPage{View: q.Get("view"), Width: q.Get("width"), Query: q.Get("q"), Clear: "/-/dev/inbox/clear"}
	if !slices.Contains([]string{"html", "text", "source", "headers", "links"}, p.View) {
		p.View = "html"
	}
	if !slices.Contains([]string{"375", "600"}, p.Width) {
		p.Width = "full"
	}
	for _, m := range rows {
		open := selected != nil && m.ID == selected.ID
		p.Messages = append(p.Messages, inboxItem{ID: m.ID, From: m.From, To: m.To, Subject: m.Subject,
			At: time.UnixMilli(m.At), Unread: !m.Read && !open, Selected: open})
	}
	if selected != nil {
		m := selected.json()
		p.Selected = &inboxSelected{ID: m.ID, From: m.From, To: m.To, Subject: m.Subject, At: m.At,
			Text: m.Text, Source: string(selected.Source), Headers: m.Headers, Links: m.Links}
	}
	return p
}

func (m inboxRow) json() inboxJSON {
	return inboxJSON{ID: m.ID, To: m.To, From: m.From, Subject: m.Subject, HTML: m.HTML, Text: m.Text,
		Headers: headers(m.Source), Links: links(m.Text), At: time.UnixMilli(m.At).UTC()}
}

// headers are the message's header lines in their order.
func headers(source []byte) []header {
	head, _, _ := strings.Cut(string(source), "\r\n\r\n")
	head = strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(head)
	all := []header{}
	for line := range strings.SplitSeq(head, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			all = append(all, header{name, value})
		}
	}
	return all
}

var address = regexp.MustCompile(`https?://[^\s<>"]+`)

// links are the addresses in the text part, each once.
func links(text string) []string {
	all := []string{}
	for _, l := range address.FindAllString(text, -1) {
		if !slices.Contains(all, l) {
			all = append(all, l)
		}
	}
	return all
}
