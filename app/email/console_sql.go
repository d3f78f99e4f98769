package email

import (
	"encoding/json"
	"errors"
	"time"

	"seaworthy/store"
)

// Sought says which messages a list shows; what is empty is not asked for.
type Sought struct {
	Status, Template, Stream string
	Recipient                string // normalised, whole
	User, Tag                string
	Before                   string // id; newer ones and it are left out
	Limit                    int
}

// stored is a message as its list and its page show it.
type stored struct {
	ID, Stream, Class, Category, Template, Recipient, Norm, User, Org string
	Subject                                                           string // "" until it is rendered
	Status, Provider, ProviderID, MessageID, Error, Job               string
	Created, Expires, Sent                                            time.Time // zero for never
	SendAt                                                            time.Time // zero for at once
	Request, Via                                                      string
	Tags                                                              []string
	Metadata                                                          map[string]string
	Files                                                             int
	Kept                                                              bool // what it says is kept, so that it can be sent again
}

const storedColumns = `SELECT m.id, m.stream, m.class, m.category, m.template, m.recipient, m.recipient_norm, coalesce(m.user_id, ''), coalesce(m.org_id, ''), coalesce(m.subject, ''), m.status,
	coalesce(m.provider, ''), coalesce(m.provider_id, ''), coalesce(m.message_id, ''), coalesce(m.error, ''), coalesce(m.job_id, ''),
	m.created_at, coalesce(m.expires_at, 0), coalesce(m.sent_at, 0), coalesce(m.send_at, 0), coalesce(m.request_id, ''), m.via, coalesce(r.tags, '[]'), coalesce(r.metadata, '{}'), coalesce(r.files, 0),
	CASE WHEN m.vars IS NOT NULL OR r.content IS NOT NULL AND m.template = '' THEN 1 ELSE 0 END
	FROM email_message AS m LEFT JOIN email_request AS r ON r.id = m.request_id `

func scanStored(r store.Scanner) (m stored, err error) {
	var created, expires, sent, due int64
	var tags, metadata string
	if err := r.Scan(&m.ID, &m.Stream, &m.Class, &m.Category, &m.Template, &m.Recipient, &m.Norm, &m.User, &m.Org, &m.Subject, &m.Status,
		&m.Provider, &m.ProviderID, &m.MessageID, &m.Error, &m.Job, &created, &expires, &sent, &due, &m.Request, &m.Via, &tags, &metadata, &m.Files, &m.Kept); err != nil {
		return m, err
	}
	m.Created, m.Expires, m.Sent, m.SendAt = timeOrZero(created), timeOrZero(expires), timeOrZero(sent), timeOrZero(due)
	return m, errors.Join(json.Unmarshal([]byte(tags), &m.Tags), json.Unmarshal([]byte(metadata), &m.Metadata))
}

func timeOrZero(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func findMessage(tx *store.Tx, id string) (stored, error) {
	return scanStored(tx.QueryRow(storedColumns+`WHERE m.id = ?`, id))
}

const andSought = `AND (? = '' OR m.status = ?) AND (? = '' OR m.template = ?) AND (? = '' OR m.stream = ?) AND (? = '' OR m.user_id = ?) AND m.id < ? ORDER BY m.id DESC LIMIT ?`

// andTagged is andSought on the index of tags.
const andTagged = `AND (? = '' OR m.status = ?) AND (? = '' OR m.template = ?) AND (? = '' OR m.stream = ?) AND (? = '' OR m.user_id = ?) AND t.message < ? ORDER BY t.message DESC LIMIT ?`

// listMessages are the newest messages. There is one text for each index: the list
// walks the narrowest one and looks at the rest as it goes.
func listMessages(tx *store.Tx, f Sought) ([]stored, error) {
	if f.Before == "" {
		f.Before = "msg_~"
	}
	rest := []any{f.Status, f.Status, f.Template, f.Template, f.Stream, f.Stream, f.User, f.User, f.Before, f.Limit}
	with := func(first string) []any { return append([]any{first}, rest...) }
	switch {
	case f.Tag != "":
		return store.All(tx, scanStored, storedColumns+`JOIN email_tag AS t ON t.message = m.id WHERE t.tag = ? AND (? = '' OR m.recipient_norm = ?) `+andTagged,
			append([]any{f.Tag, f.Recipient, f.Recipient}, rest...)...)
	case f.Recipient != "":
		return store.All(tx, scanStored, storedColumns+`WHERE m.recipient_norm = ? `+andSought, with(f.Recipient)...)
	case f.User != "":
		return store.All(tx, scanStored, storedColumns+`WHERE m.user_id IS NOT NULL AND m.user_id = ? `+andSought, with(f.User)...)
	case f.Status != "" && f.Status != "sent" && f.Status != "delivered":
		return store.All(tx, scanStored, storedColumns+`WHERE m.status = ? `+andSought, with(f.Status)...)
	case f.Template != "":
		return store.All(tx, scanStored, storedColumns+`WHERE m.template = ? `+andSought, with(f.Template)...)
	case f.Status != "":
		return store.All(tx, scanStored, storedColumns+`WHERE m.status = ? `+andSought, with(f.Status)...)
	}
	return store.All(tx, scanStored, storedColumns+`WHERE m.id < ? AND (? = '' OR m.stream = ?) ORDER BY m.id DESC LIMIT ?`, f.Before, f.Stream, f.Stream, f.Limit)
}

// Unsent counts messages that did not reach anybody since a time, up to limit.
func Unsent(tx *store.Tx, since time.Time, limit int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM email_message WHERE status IN ('failed', 'bounced') AND created_at >= ? LIMIT ?)`, since.UnixMilli(), limit).Scan(&n)
	return n, err
}
