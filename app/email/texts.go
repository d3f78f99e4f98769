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
// system keeps them, and notifies InboxTopic.
type Texts interface {
	List(tx *store.Tx, limit int) ([]Text, error)
	Get(tx *store.Tx, id string) (Text, error)
	MarkRead(tx *store.Tx, id string) error
	Delete(tx *store.Tx, id string) error
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

// listTexts are the newest texts that have query in their number or their words.
func (s *System) listTexts(tx *store.Tx, query string) ([]Text, error) {
	if s.Texts == nil {
		return nil, nil
	}
	all, err := s.Texts.List(tx, inboxLimit)
	number, words := strings.ReplaceAll(query, " ", ""), strings.ToLower(query)
	return slices.DeleteFunc(all, func(t Text) bool {
		return !strings.Contains(t.To, number) && !strings.Contains(strings.ToLower(t.Body), words)
	}), err
}

// textsJSON are the texts that a program asks for. They are no part of the list of
// mails, so that tests that read mails need not know of them.
func (s *System) textsJSON(tx *store.Tx, ask inboxAsk) ([]textJSON, error) {
	all, err := s.listTexts(tx, ask.Query)
	out := []textJSON{}
	for _, t := range all {
		if strings.Contains(t.To, strings.ReplaceAll(ask.To, " ", "")) && !t.At.Before(ask.Since) && !(ask.Unread && t.Read) && len(out) < ask.Limit {
			out = append(out, t.json())
		}
	}
	return out, err
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
