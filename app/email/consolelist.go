package email

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

const consoleBase = "/-/admin/email"

// consolePage is how many messages a page of the list shows.
const consolePage = 50

// consoleRoutes are the console's pages of messages.
func (s *System) consoleRoutes() []web.Route {
	see := web.Permission(permRead)
	return []web.Route{
		{Method: "GET", Pattern: consoleBase, Access: see, Handler: web.InConsole(s.messageList)},
		{Method: "GET", Pattern: consoleBase + "/events", Access: see, Handler: web.InConsole(s.messageEvents)},
		{Method: "GET", Pattern: consoleBase + "/messages/{id}", Access: see, Handler: web.InConsole(s.messagePage)},
	}
}

// statuses are the states of messages in the order of their lives.
var statuses = []string{"queued", "deferred", "sent", "delivered", "bounced", "complained", "failed", "suppressed", "expired", "cancelled", "unknown"}

// streams are the streams of messages.
var streams = []string{"transactional", "broadcast"}

// chip narrows the list to what it names.
type chip struct {
	Label, Path string
	On          bool
}

type listData struct {
	Rows         []stored
	Filter       Sought
	Chips        []chip
	Streams      []string
	Here         string // this list's address, for what refreshes it
	Older, Newer string
	Narrowed     bool // by more than the status
	Inbox        bool // mail goes to the development inbox
}

// soughtIn reads a list's filter from its address. What is not known narrows nothing.
func soughtIn(q url.Values) Sought {
	word := func(name string) string { return strings.TrimSpace(web.CleanText(q.Get(name), 320)) }
	f := Sought{Status: q.Get("status"), Template: word("template"), Stream: q.Get("stream"), Recipient: strings.ToLower(word("to")), User: word("user"), Tag: word("tag"), Before: word("before")}
	if !slices.Contains(statuses, f.Status) {
		f.Status = ""
	}
	if !slices.Contains(streams, f.Stream) {
		f.Stream = ""
	}
	return f
}

// address is the list with a filter, and perhaps a place in it.
func (f Sought) address(before string) string {
	q := url.Values{}
	for name, value := range map[string]string{"status": f.Status, "template": f.Template, "stream": f.Stream, "to": f.Recipient, "user": f.User, "tag": f.Tag, "before": before} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return withQuery(consoleBase, q)
}

func (s *System) messageList(w http.ResponseWriter, r *http.Request) error {
	f := soughtIn(r.URL.Query())
	f.Limit = consolePage + 1
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]stored, error) { return listMessages(tx, f) })
	if err != nil {
		return err
	}
	d := listData{Filter: f, Chips: statusChips(f), Streams: streams, Here: f.address(f.Before), Narrowed: f.Template+f.Stream+f.Recipient+f.User+f.Tag != "", Inbox: s.inbox}
	if len(all) > consolePage {
		all = all[:consolePage]
		d.Older = f.address(all[consolePage-1].ID)
	}
	if f.Before != "" {
		d.Newer = f.address("")
	}
	d.Rows = all
	return s.Pages.Render(w, r, "email/messages", web.View{Title: "Email", Data: d})
}

// statusChips are the states as links that keep the rest of the filter.
func statusChips(f Sought) []chip {
	at := func(status string) string {
		g := f
		g.Status = status
		return g.address("")
	}
	all := []chip{{Label: "All", Path: at(""), On: f.Status == ""}}
	for _, status := range statuses {
		all = append(all, chip{Label: strings.ToUpper(status[:1]) + status[1:], Path: at(status), On: f.Status == status})
	}
	return all
}

// messageEvents tells a page of messages that something happened to one.
func (s *System) messageEvents(w http.ResponseWriter, r *http.Request) error {
	changed := s.DB.Listen(messagesTopic)
	defer s.DB.Unlisten(messagesTopic, changed)
	return web.Stream(w, r, changed)
}
