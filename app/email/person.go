package email

import (
	"context"
	"time"

	"seaworthy/store"
)

// personPage is how many messages an export reads at once.
const personPage = 500

// Forget deletes at most limit of the messages to or about a user, sent or not,
// and returns how many. What the provider has of them is the provider's.
func (s *System) Forget(tx *store.Tx, user string, limit int) (int, error) {
	n, err := tx.Exec(`DELETE FROM email_message WHERE id IN (SELECT id FROM email_message WHERE user_id = ? ORDER BY id LIMIT ?)`, user, limit)
	return int(n), err
}

// personMail is a message as its person gets it in an export; the text is not
// kept once it has left.
type personMail struct {
	ID       string     `json:"id"`
	Template string     `json:"template"`
	To       string     `json:"to"`
	Subject  string     `json:"subject,omitempty"`
	Status   string     `json:"status"`
	Created  time.Time  `json:"created_at"`
	Sent     *time.Time `json:"sent_at"`
}

// ExportPerson hands over every message to or about a user, oldest first.
func (s *System) ExportPerson(ctx context.Context, user string, row func(any) error) error {
	after := ""
	for {
		some, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]personMail, error) { return personMails(tx, user, after, personPage) })
		if err != nil {
			return err
		}
		for _, m := range some {
			if err := row(m); err != nil {
				return err
			}
			after = m.ID
		}
		if len(some) < personPage {
			return nil
		}
	}
}

func personMails(tx *store.Tx, user, after string, limit int) ([]personMail, error) {
	return store.All(tx, func(r store.Scanner) (m personMail, err error) {
		var created, sent int64
		err = r.Scan(&m.ID, &m.Template, &m.To, &m.Subject, &m.Status, &created, &sent)
		m.Created = time.UnixMilli(created).UTC()
		if sent != 0 {
			at := time.UnixMilli(sent).UTC()
			m.Sent = &at
		}
		return m, err
	}, `SELECT id, template, recipient, coalesce(subject, ''), status, created_at, coalesce(sent_at, 0) FROM email_message
		WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?`, user, after, limit)
}
