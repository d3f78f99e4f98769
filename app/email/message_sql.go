package email

import (
	"errors"
	"time"

	"seaworthy/app/email/post"
	"seaworthy/store"
)

type messageRow struct {
	id, stream, class, template, recipient, norm, user, org, status, category, onUnknown, job string
	request                                                                                   string // that it came with; "" for a mail of our own
	via                                                                                       string // the one provider it may go by; "" for any
	subject                                                                                   string // "" until it is rendered
	vars                                                                                      []byte
	expires, slot, sendAt                                                                     int64 // unix ms, 0: never, none, at once
	files                                                                                     bool  // some go along
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func orZero(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func insertMessage(tx *store.Tx, m messageRow) error {
	_, err := tx.Exec(`INSERT INTO email_message (id, stream, class, template, locale, recipient, recipient_norm, user_id, org_id, vars, status, created_at, expires_at, category, on_unknown, job_id,
		request_id, send_at, via, subject)
		VALUES (?, ?, ?, ?, 'en', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		m.id, m.stream, m.class, m.template, m.recipient, m.norm, orNull(m.user), orNull(m.org), m.vars, m.status, tx.Now().UnixMilli(), orZero(m.expires), m.category, m.onUnknown, orNull(m.job),
		orNull(m.request), orZero(m.sendAt), m.via, orNull(m.subject))
	return err
}

func queuedMessage(tx *store.Tx, id string) (m messageRow, err error) {
	m.id = id
	err = tx.QueryRow(`SELECT stream, class, template, recipient, recipient_norm, category, coalesce(user_id, ''), coalesce(org_id, ''), vars, coalesce(expires_at, 0), status,
		on_unknown, coalesce(job_id, ''), coalesce(slot_at, 0), coalesce(request_id, ''), coalesce(send_at, 0), via,
		CASE WHEN EXISTS (SELECT 1 FROM email_file WHERE request_id = email_message.request_id) THEN 1 ELSE 0 END FROM email_message WHERE id = ?`, id).
		Scan(&m.stream, &m.class, &m.template, &m.recipient, &m.norm, &m.category, &m.user, &m.org, &m.vars, &m.expires, &m.status, &m.onUnknown, &m.job, &m.slot, &m.request, &m.sendAt, &m.via, &m.files)
	return m, err
}

// requeue gives a message another try: with a job of its own, from the beginning, and now.
func requeue(tx *store.Tx, id, job string) error {
	return tx.ExecOne(`UPDATE email_message SET status = 'queued', job_id = ?, slot_at = NULL, send_at = NULL, error = NULL WHERE id = ?`, job, id)
}

func takeSlot(tx *store.Tx, id string, at int64) error {
	return tx.ExecOne(`UPDATE email_message SET slot_at = ? WHERE id = ?`, at, id)
}

func clearSlot(tx *store.Tx, id string) error {
	_, err := tx.Exec(`UPDATE email_message SET slot_at = NULL WHERE id = ? AND slot_at IS NOT NULL`, id)
	return err
}

// markUnknown leaves open whether a provider took a message.
func markUnknown(tx *store.Tx, id, provider, reason string) error {
	return tx.ExecOne(`UPDATE email_message SET status = 'unknown', provider = ?, error = ? WHERE id = ?`, provider, reason, id)
}

// markSent ends a message's wait. The variables of a mail of ours, which may hold a
// secret link, are wiped: they have done their work. So are those of the app's mail of
// that class; the rest of it is kept for some days, to be sent again.
func markSent(tx *store.Tx, id, provider string, r post.Receipt, subject string) error {
	return tx.ExecOne(`UPDATE email_message SET status = 'sent', provider = ?, provider_id = ?, message_id = ?, subject = ?, sent_at = ?, error = NULL,
		vars = CASE WHEN request_id IS NULL OR class = 'security' THEN NULL ELSE vars END WHERE id = ?`, provider, orNull(r.ProviderID), r.MessageID, subject, tx.Now().UnixMilli(), id)
}

func markEnded(tx *store.Tx, id, status, reason string) error {
	return tx.ExecOne(`UPDATE email_message SET status = ?, error = ?,
		vars = CASE WHEN request_id IS NULL OR class = 'security' THEN NULL ELSE vars END WHERE id = ?`, status, reason, id)
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
