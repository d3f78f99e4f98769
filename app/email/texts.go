package email

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"seaworthy/app/web"
	"seaworthy/store"
)

// Text is a text (SMS) that was caught in development.
type Text struct {
	ID, To, Body string
	At           time.Time
	Read         bool
}

// Texts are the texts that the development inbox shows beside the mails. Another
// system keeps them.
type Texts interface {
	List(tx *store.Tx, limit int) ([]Text, error)
	Get(tx *store.Tx, id string) (Text, error)
	MarkRead(tx *store.Tx, id string) error
	Clear(tx *store.Tx) error
}

// textID begins the id of a text in the inbox.
const textID = "itx_"

// textJSON is a text as programs see it.
type textJSON struct {
	ID   string    `json:"id"`
	To   string    `json:"to"`
	Body string    `json:"body"`
	At   time.Time `json:"received_at"`
}

func (t Text) json() textJSON { return textJSON{ID: t.ID, To: t.To, Body: t.Body, At: t.At} }

// listTexts are the newest texts to a number that contains query.
func (s *System) listTexts(tx *store.Tx, query string) ([]Text, error) {
	if s.Texts == nil {
		return nil, nil
	}
	all, err := s.Texts.List(tx, inboxLimit)
	query = strings.ReplaceAll(query, " ", "")
	return slices.DeleteFunc(all, func(t Text) bool { return !strings.Contains(t.To, query) }), err
}

// textsAPI answers programs that ask for texts, which are no part of the list of
// mails: tests that read mails go on as they were.
func (s *System) textsAPI(w http.ResponseWriter, r *http.Request) error {
	all, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) ([]Text, error) { return s.listTexts(tx, r.URL.Query().Get("q")) })
	if err != nil {
		return err
	}
	out := make([]textJSON, len(all))
	for i, t := range all {
		out[i] = t.json()
	}
	return web.JSON(w, http.StatusOK, out)
}

// textShow shows one text.
func (s *System) textShow(w http.ResponseWriter, r *http.Request, id string) error {
	if s.Texts == nil {
		return web.ErrNotFound
	}
	t, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (Text, error) { return s.Texts.Get(tx, id) })
	if err != nil {
		return err
	}
	if web.WantsJSON(r) {
		return web.JSON(w, http.StatusOK, t.json())
	}
	if !t.Read {
		if err := s.DB.Write(r.Context(), func(tx *store.Tx) error { return s.Texts.MarkRead(tx, id) }); err != nil {
			return err
		}
	}
	p, err := s.inboxPage(r, nil)
	if err != nil {
		return err
	}
	p.Text = &t
	for i := range p.Messages {
		if p.Messages[i].ID == id {
			p.Messages[i].Selected, p.Messages[i].Unread = true, false
		}
	}
	return s.Pages.Render(w, r, "email/inbox", web.View{Title: "Text to " + t.To, Data: p})
}

// inboxPage is the list of mails and texts, the newest first, with a mail that is
// shown or none.
func (s *System) inboxPage(r *http.Request, selected *inboxRow) (inboxPage, error) {
	query := r.URL.Query().Get("q")
	var p inboxPage
	return p, s.DB.Read(r.Context(), func(tx *store.Tx) error {
		rows, err := listInbox(tx, query, inboxLimit)
		if err != nil {
			return err
		}
		p = page(rows, selected, r)
		texts, err := s.listTexts(tx, query)
		if err != nil || len(texts) == 0 {
			return err
		}
		for _, t := range texts {
			subject, _, _ := strings.Cut(t.Body, "\n")
			p.Messages = append(p.Messages, inboxItem{ID: t.ID, To: t.To, Subject: subject, At: t.At, Unread: !t.Read, SMS: true})
		}
		slices.SortStableFunc(p.Messages, func(a, b inboxItem) int { return b.At.Compare(a.At) })
		return nil
	})
}
