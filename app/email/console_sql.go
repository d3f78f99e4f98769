package email

import (
	"time"

	"seaworthy/store"
)

// Sought says which messages a list shows; what is empty is not asked for.
type Sought struct {
	Status, Template, Stream string
	Recipient                string // normalised, whole
	User                     string
	Before                   string // id; newer ones and it are left out
	Limit                    int
}

// stored is a message as its list and its page show it.
type stored struct {
	ID, Stream, Class, Category, Template, Locale, Recipient, Norm, User, Org string
	Subject                                                                   string // "" until it is rendered
	Status, Provider, ProviderID, MessageID, Error, Idempotency, Job          string
	Created, Expires, Sent                                                    time.Time // zero for never
}

const storedColumns = `SELECT id, stream, class, category, template, locale, recipient, recipient_norm, coalesce(user_id, ''), coalesce(org_id, ''), coalesce(subject, ''), status,
	coalesce(provider, ''), coalesce(provider_id, ''), coalesce(message_id, ''), coalesce(error, ''), coalesce(idempotency_key, ''), coalesce(job_id, ''),
	created_at, coalesce(expires_at, 0), coalesce(sent_at, 0) FROM email_message `

func scanStored(r store.Scanner) (m stored, err error) {
	var created, expires, sent int64
	err = r.Scan(&m.ID, &m.Stream, &m.Class, &m.Category, &m.Template, &m.Locale, &m.Recipient, &m.Norm, &m.User, &m.Org, &m.Subject, &m.Status,
		&m.Provider, &m.ProviderID, &m.MessageID, &m.Error, &m.Idempotency, &m.Job, &created, &expires, &sent)
	m.Created, m.Expires, m.Sent = timeOrZero(created), timeOrZero(expires), timeOrZero(sent)
	return m, err
}

func timeOrZero(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func findMessage(tx *store.Tx, id string) (stored, error) {
	return scanStored(tx.QueryRow(storedColumns+`WHERE id = ?`, id))
}

const andSought = `AND (? = '' OR status = ?) AND (? = '' OR template = ?) AND (? = '' OR stream = ?) AND (? = '' OR user_id = ?) AND id < ? ORDER BY id DESC LIMIT ?`

// listMessages are the newest messages. There is one text for each index: the list
// walks the narrowest one and looks at the rest as it goes.
func listMessages(tx *store.Tx, f Sought) ([]stored, error) {
	if f.Before == "" {
		f.Before = "msg_~"
	}
	rest := []any{f.Status, f.Status, f.Template, f.Template, f.Stream, f.Stream, f.User, f.User, f.Before, f.Limit}
	with := func(first string) []any { return append([]any{first}, rest...) }
	switch {
	case f.Recipient != "":
		return store.All(tx, scanStored, storedColumns+`WHERE recipient_norm = ? `+andSought, with(f.Recipient)...)
	case f.User != "":
		return store.All(tx, scanStored, storedColumns+`WHERE user_id IS NOT NULL AND user_id = ? `+andSought, with(f.User)...)
	case f.Status != "" && f.Status != "sent" && f.Status != "delivered":
		return store.All(tx, scanStored, storedColumns+`WHERE status = ? `+andSought, with(f.Status)...)
	case f.Template != "":
		return store.All(tx, scanStored, storedColumns+`WHERE template = ? `+andSought, with(f.Template)...)
	case f.Status != "":
		return store.All(tx, scanStored, storedColumns+`WHERE status = ? `+andSought, with(f.Status)...)
	}
	return store.All(tx, scanStored, storedColumns+`WHERE id < ? AND (? = '' OR stream = ?) ORDER BY id DESC LIMIT ?`, f.Before, f.Stream, f.Stream, f.Limit)
}

// Unsent counts messages that did not reach anybody since a time, up to limit.
func Unsent(tx *store.Tx, since time.Time, limit int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM email_message WHERE status IN ('failed', 'bounced') AND created_at >= ? LIMIT ?)`, since.UnixMilli(), limit).Scan(&n)
	return n, err
}
