package email

import (
	"context"
	"fmt"
	"time"

	"seaworthy/app/glance"
	"seaworthy/store"
)

const (
	glanceHours = 24
	mostCounted = 10_000
)

// Glance is mail on the console's home.
func (s *System) Glance(_ context.Context, tx *store.Tx) (glance.Card, error) {
	c := glance.Card{State: glance.State{Kind: glance.OK, Word: "Delivering"}, Line: glance.NewLine("Mails sent an hour", tx.Now(), time.Hour, glanceHours)}
	if s.inbox {
		c.State = glance.State{Kind: glance.Quiet, Word: "Inbox", Detail: "Mail goes to the development inbox: no provider is configured."}
	}
	for _, name := range s.order() {
		sent, err := sentSince(tx, name, c.Line.From)
		if err != nil {
			return c, err
		}
		for _, one := range sent {
			c.Line.Add(one.at, one.n)
		}
	}
	bad, err := Unsent(tx, tx.Now().Add(-24*time.Hour), mostCounted)
	if err != nil {
		return c, err
	}
	waiting, err := countQueued(tx, mostCounted)
	if err != nil {
		return c, err
	}
	failed := glance.Number{Label: "Failed or bounced", N: int64(bad), AtLeast: bad >= mostCounted, Path: consoleBase + "?status=failed"}
	if bad > 0 {
		failed.Kind = glance.Warn
	}
	c.Numbers = []glance.Number{{Label: "Sent in 24 hours", N: c.Line.Sum(), Path: consoleBase}, {Label: "Waiting", N: int64(waiting), AtLeast: waiting >= mostCounted, Path: consoleBase + "?status=queued"}, failed}
	if bad > 0 && int64(bad)*20 > c.Line.Sum() { // one in twenty is what mailbox providers begin to hold against a sender
		text := "1 mail failed or bounced in the last 24 hours."
		if bad > 1 {
			text = fmt.Sprintf("%s mails failed or bounced in the last 24 hours, of %s sent.", glance.Grouped(int64(bad)), glance.Grouped(c.Line.Sum()))
		}
		c.State = c.State.Or(glance.State{Kind: glance.Warn, Word: "Bounces", Detail: text})
		c.Needs = append(c.Needs, glance.Need{Key: "mail_unsent", Kind: glance.Warn, Text: text, Path: consoleBase + "?status=bounced"})
	}
	return c, s.needProviders(tx, &c)
}

// needProviders tells of providers that take no mail.
func (s *System) needProviders(tx *store.Tx, c *glance.Card) error {
	all, err := s.Troubles(tx)
	for _, t := range all {
		text := "The mail provider " + t.Provider + " refuses our key."
		if t.State == stateQuota {
			text = "The allowance at the mail provider " + t.Provider + " is used up."
		}
		c.State = c.State.Or(glance.State{Kind: glance.Danger, Word: "Stopped", Detail: text})
		c.Needs = append(c.Needs, glance.Need{Key: "mail_stopped " + t.Provider, Kind: glance.Danger, Text: text, Path: "/-/admin/email/providers"})
	}
	return err
}

type sentIn struct {
	at time.Time
	n  int64
}

// sentSince are the mails that a provider took, by slot.
func sentSince(tx *store.Tx, provider string, since time.Time) ([]sentIn, error) {
	return store.All(tx, func(r store.Scanner) (s sentIn, err error) {
		var at int64
		err = r.Scan(&at, &s.n)
		s.at = time.UnixMilli(at).UTC()
		return s, err
	}, `SELECT slot, sent FROM email_count WHERE provider = ? AND slot >= ? ORDER BY slot`, provider, since.UnixMilli())
}

func countQueued(tx *store.Tx, limit int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM email_message WHERE status = 'queued' LIMIT ?)`, limit).Scan(&n)
	return n, err
}
