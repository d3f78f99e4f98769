package email

import (
	"errors"
	"time"

	"seaworthy/store"
)

type messageRow struct {
	id, class, template, recipient, norm, user, org, status, category string
	vars                                                              []byte
	expires                                                           int64 // unix ms, 0: never
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func insertMessage(tx *store.Tx, m messageRow) error {
	var expires *int64
	if m.expires > 0 {
		expires = &m.expires
	}
	_, err := tx.Exec(`INSERT INTO email_message (id, stream, class, template, locale, recipient, recipient_norm, user_id, org_id, vars, status, created_at, expires_at, category)
		VALUES (?, 'transactional', ?, ?, 'en', ?, ?, ?, ?, ?, 'queued', ?, ?, ?)`,
		m.id, m.class, m.template, m.recipient, m.norm, orNull(m.user), orNull(m.org), m.vars, tx.Now().UnixMilli(), expires, m.category)
	return err
}

func queuedMessage(tx *store.Tx, id string) (m messageRow, err error) {
	m.id = id
	err = tx.QueryRow(`SELECT class, template, recipient, recipient_norm, category, coalesce(user_id, ''), coalesce(org_id, ''), vars, coalesce(expires_at, 0), status
		FROM email_message WHERE id = ?`, id).
		Scan(&m.class, &m.template, &m.recipient, &m.norm, &m.category, &m.user, &m.org, &m.vars, &m.expires, &m.status)
	return m, err
}

// markSent ends a message's wait. Its variables, which may hold a secret link,
// are wiped: they have done their work.
func markSent(tx *store.Tx, id, provider string, r Receipt, subject string) error {
	return tx.ExecOne(`UPDATE email_message SET status = 'sent', provider = ?, provider_id = ?, message_id = ?, subject = ?, sent_at = ?, vars = NULL, error = NULL
		WHERE id = ?`, provider, orNull(r.ProviderID), r.MessageID, subject, tx.Now().UnixMilli(), id)
}

func markEnded(tx *store.Tx, id, status, reason string) error {
	return tx.ExecOne(`UPDATE email_message SET status = ?, error = ?, vars = NULL WHERE id = ?`, status, reason, id)
}

func isGone(err error) bool { return errors.Is(err, store.ErrNotFound) }

// escapeLike takes the meaning from LIKE's wildcards.
func escapeLike(s string) string {
	var b []rune
	for _, r := range s {
		if r == '%' || r == '_' || r == '\\' {
			b = append(b, '\\')
		}
		b = append(b, r)
	}
	return string(b)
}

// messagesTo are the newest messages to a user.
func messagesTo(tx *store.Tx, user string, limit int) ([]Sent, error) {
	return store.All(tx, func(r store.Scanner) (m Sent, err error) {
		var created int64
		err = r.Scan(&m.ID, &m.To, &m.Template, &m.Subject, &m.Status, &created)
		m.Created = time.UnixMilli(created).UTC()
		return m, err
	}, `SELECT id, recipient, template, coalesce(subject, ''), status, created_at FROM email_message WHERE user_id = ? ORDER BY id DESC LIMIT ?`, user, limit)
}
