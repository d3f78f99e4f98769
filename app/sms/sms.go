// Package sms sends texts. As with mail, a text is stored with the change that
// causes it and sent by a job after the commit. Texts cost money and are a way to
// make somebody else pay it, so that each person, each number and each day have
// their limit, counted in the same transaction.
package sms

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Deps are what sms needs of the rest.
type Deps struct {
	DB       *store.DB
	Audit    *audit.Log
	Keys     *seal.Keys
	Provider Provider // nil: the development inbox
	Daily    int      // most texts in 24 hours, all together
	Wake     string   // topic that is notified of each text the inbox catches; "" for none
}

// System is sms as the other systems use it.
type System struct{ Deps }

// New makes the system.
func New(d Deps) *System { return &System{Deps: d} }

// The actions sms records.
const (
	actSent   audit.Action = "sms.sent"
	actFailed audit.Action = "sms.failed"
)

// Actions are the part of sms in the catalogue.
var Actions = []audit.Kind{
	{Action: actSent, Title: "Text sent", Means: "A text was handed to the provider."},
	{Action: actFailed, Title: "Text failed", Means: "A text could not be sent and will not be tried again."},
}

// Jobs registers what sms does in the background.
func (s *System) Jobs(q *queue.Queue) { queue.Handle(q, s.deliver) }

// Message is a text to one person.
type Message struct {
	To   Phone
	Body string
	User string        // whom it is about, if a user; "" otherwise
	Life time.Duration // it is pointless after
}

// limit is how many texts may be sent within a time.
type limit struct {
	within time.Duration
	most   int
}

// limits hold for each person and for each number; Deps.Daily for all.
var limits = []limit{{time.Hour, 5}, {24 * time.Hour, 15}}

// Send stores a text and its delivery job in the caller's transaction. It is a
// 429 when the person, the number or the day has had enough.
func (s *System) Send(tx *store.Tx, m Message) (id string, err error) {
	mac := s.mac(m.To)
	if err := s.allow(tx, m.User, mac); err != nil {
		return "", err
	}
	id = tx.NewID("txt")
	row := messageRow{id: id, user: m.User, mac: mac, recipient: s.Keys.Seal("sms", id, []byte(m.To)), body: s.Keys.Seal("sms", id, []byte(m.Body)),
		expires: tx.Now().Add(m.Life).UnixMilli()}
	if err := insertMessage(tx, row); err != nil {
		return "", fmt.Errorf("text: %w", err)
	}
	if _, err := queue.Enqueue(tx, Deliver{Message: id}); err != nil {
		return "", fmt.Errorf("text: %w", err)
	}
	return id, nil
}

func (s *System) allow(tx *store.Tx, user string, mac []byte) error {
	now := tx.Now()
	for _, l := range limits {
		since := now.Add(-l.within).UnixMilli()
		byNumber, err := countTo(tx, mac, since, l.most)
		if err != nil {
			return err
		}
		byUser, err := countFor(tx, user, since, l.most)
		if err != nil {
			return err
		}
		if byNumber >= l.most || byUser >= l.most {
			return tooMany(l.within)
		}
	}
	all, err := countAll(tx, now.Add(-24*time.Hour).UnixMilli(), s.Daily)
	if err == nil && all >= s.Daily {
		err = tooMany(time.Hour)
	}
	return err
}

// tooMany is the 429. When exactly the next text may go is not told: it would say
// how much others send.
func tooMany(d time.Duration) error {
	return &web.Error{Status: http.StatusTooManyRequests, Code: "too_many_texts", RetryAfter: d, Public: "No more texts can be sent for now. Use another way, or try again later."}
}

// mac finds the texts to a number without keeping it readable.
func (s *System) mac(p Phone) []byte {
	mac := hmac.New(sha256.New, s.Keys.Derive("sms recipient"))
	mac.Write([]byte(p))
	return mac.Sum(nil)
}

// Forget deletes what is kept of the texts to a user, whose account is erased. One
// that is still to be delivered is not sent any more.
func (s *System) Forget(tx *store.Tx, userID string) error { return deleteMessages(tx, userID) }
