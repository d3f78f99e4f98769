package apptest

import (
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Mail is a message in the development inbox, as its JSON API gives it.
type Mail struct {
	ID      string    `json:"id"`
	To      string    `json:"to"`
	From    string    `json:"from"`
	Subject string    `json:"subject"`
	HTML    string    `json:"html"`
	Text    string    `json:"text"`
	Links   []string  `json:"links"`
	At      time.Time `json:"received_at"`
	Headers []struct{ Name, Value string }
}

// Mails are the messages in the inbox to an address, newest first; to all with "".
func (a *App) Mails(to string) []Mail {
	a.T.Helper()
	b := a.Browser()
	b.Header.Set("Accept", "application/json")
	var all []Mail
	b.Get("/-/dev/inbox?q=" + url.QueryEscape(to)).Want(200).JSON(&all)
	return all
}

// Text is a text (SMS) in the development inbox.
type Text struct {
	ID   string    `json:"id"`
	To   string    `json:"to"`
	Body string    `json:"body"`
	At   time.Time `json:"received_at"`
}

// Texts are the texts in the inbox to a number, newest first; to all with "".
func (a *App) Texts(to string) []Text {
	a.T.Helper()
	b := a.Browser()
	b.Header.Set("Accept", "application/json")
	var all []Text
	b.Get("/-/dev/inbox?kind=text&q=" + url.QueryEscape(to)).Want(200).JSON(&all)
	return all
}

// Link is the path of the first link with this in it, in the newest mail to an address.
func (a *App) Link(to, part string) string {
	a.T.Helper()
	mails := a.Mails(to)
	if len(mails) == 0 {
		a.T.Fatalf("no mail to %s", to)
	}
	for _, l := range mails[0].Links {
		if strings.Contains(l, part) {
			return strings.TrimPrefix(l, a.URL)
		}
	}
	a.T.Fatalf("no link with %q in %v", part, mails[0].Links)
	return ""
}

// Code is the six digits in a mail, as they are typed.
func Code(m Mail) string {
	found := digits.FindString(m.Text)
	return strings.ReplaceAll(found, " ", "")
}

var digits = regexp.MustCompile(`\b[0-9]{3} [0-9]{3}\b`)

// Token is the token in a link.
func Token(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Query().Get("token")
}
