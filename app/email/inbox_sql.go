package email

import (
	"math"
	"strings"
	"time"

	"seaworthy/store"
)

// InboxTopic is notified of each mail and text that comes into the inbox or leaves it.
const InboxTopic = "email.inbox"

// The inbox keeps the newest messages, so that a test that runs for weeks fills no disk.
const maxInbox, maxInboxBytes = 2000, 512 << 20

// insertInbox puts a mail into the inbox.
func insertInbox(tx *store.Tx, m inboxMail) (id string, err error) {
	id = tx.NewID("inb")
	if _, err := tx.Exec(`INSERT INTO email_inbox (id, message_id, origin, sender, recipient, cc, reply_to, recipients, subject, sender_norm, subject_norm, size, received_at, parts, search)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, m.message, m.origin, m.sender, m.recipient, m.cc, m.replyTo, m.recipients, m.subject, strings.ToLower(m.sender), strings.ToLower(m.subject),
		len(m.raw), tx.Now().UnixMilli(), m.parts, m.search); err != nil {
		return "", err
	}
	_, err = tx.Exec(`INSERT INTO email_inbox_body (id, headers, text, html, source) VALUES (?, ?, ?, ?, ?)`, id, m.headers, m.text, m.html, m.raw)
	tx.Notify(InboxTopic)
	return id, err
}

// pruneInbox removes the oldest messages beyond what the inbox keeps.
func pruneInbox(tx *store.Tx) error {
	type sized struct {
		id   string
		size int64
	}
	newest, err := store.All(tx, func(r store.Scanner) (s sized, err error) { return s, r.Scan(&s.id, &s.size) },
		`SELECT id, size FROM email_inbox ORDER BY id DESC LIMIT ?`, maxInbox+1)
	if err != nil {
		return err
	}
	total := int64(0)
	for i, m := range newest {
		if total += m.size; i == maxInbox || i > 0 && total > maxInboxBytes {
			_, err := tx.Exec(`DELETE FROM email_inbox WHERE id <= ?`, m.id)
			return err
		}
	}
	return nil
}

// inboxRow is a mail in the inbox. Lists leave out the texts.
type inboxRow struct {
	ID, Message, Origin, From, To, Cc, ReplyTo, Recipients, Subject string
	Size, At                                                        int64
	Read                                                            bool
	Parts, Headers, Text, HTML                                      string
	Source                                                          []byte
}

const inboxHead = `SELECT i.id, message_id, origin, sender, recipient, cc, reply_to, recipients, subject, size, received_at, read_at IS NOT NULL, parts`

func (m *inboxRow) head() []any {
	return []any{&m.ID, &m.Message, &m.Origin, &m.From, &m.To, &m.Cc, &m.ReplyTo, &m.Recipients, &m.Subject, &m.Size, &m.At, &m.Read, &m.Parts}
}

func scanInboxHead(r store.Scanner) (m inboxRow, err error) { return m, r.Scan(m.head()...) }

func scanInboxText(r store.Scanner) (m inboxRow, err error) {
	return m, r.Scan(append(m.head(), &m.Headers, &m.Text, &m.HTML)...)
}

// inboxFilter says which mails are meant; what is empty is not asked for.
type inboxFilter struct {
	To, From, Subject, Query string // to: a whole address; the others are contained, in any case
	Unread                   bool
	Since                    time.Time
	Before                   string // id
	Limit                    int
}

const inboxWhere = ` WHERE i.id < ? AND received_at >= ? AND (? = 0 OR read_at IS NULL) AND recipients LIKE ? ESCAPE '\' AND sender_norm LIKE ? ESCAPE '\'
	AND subject_norm LIKE ? ESCAPE '\' AND search LIKE ? ESCAPE '\' ORDER BY i.id DESC LIMIT ?`

func (f inboxFilter) args() []any {
	before, since, unread := f.Before, int64(math.MinInt64), 0
	if before == "" {
		before = "inb_~"
	}
	if !f.Since.IsZero() {
		since = f.Since.UnixMilli()
	}
	if f.Unread {
		unread = 1
	}
	to := "%"
	if f.To != "" {
		to = contains("\n" + f.To + "\n")
	}
	return []any{before, since, unread, to, contains(f.From), contains(f.Subject), contains(f.Query), f.Limit}
}

// contains is the LIKE pattern for text that was stored in lower case.
func contains(s string) string { return "%" + escapeLike(strings.ToLower(s)) + "%" }

// listInbox are the newest mails, without their texts.
func listInbox(tx *store.Tx, f inboxFilter) ([]inboxRow, error) {
	return store.All(tx, scanInboxHead, inboxHead+` FROM email_inbox i`+inboxWhere, f.args()...)
}

// readInbox are the newest mails with their texts.
func readInbox(tx *store.Tx, f inboxFilter) ([]inboxRow, error) {
	return store.All(tx, scanInboxText, inboxHead+`, headers, text, html FROM email_inbox i JOIN email_inbox_body b ON b.id = i.id`+inboxWhere, f.args()...)
}

// inboxMessage is one mail with all of it.
func inboxMessage(tx *store.Tx, id string) (m inboxRow, err error) {
	return m, tx.QueryRow(inboxHead+`, headers, text, html, source FROM email_inbox i JOIN email_inbox_body b ON b.id = i.id WHERE i.id = ?`, id).
		Scan(append(m.head(), &m.Headers, &m.Text, &m.HTML, &m.Source)...)
}

// caughtOf is the newest mail in the inbox that a message became; ErrNotFound for none.
func caughtOf(tx *store.Tx, message string) (id string, err error) {
	return id, tx.QueryRow(`SELECT id FROM email_inbox WHERE message_id = ? AND message_id <> '' ORDER BY id DESC LIMIT 1`, message).Scan(&id)
}

func markRead(tx *store.Tx, id string) error {
	_, err := tx.Exec(`UPDATE email_inbox SET read_at = ? WHERE id = ? AND read_at IS NULL`, tx.Now().UnixMilli(), id)
	return err
}

func markUnread(tx *store.Tx, id string) error {
	tx.Notify(InboxTopic)
	return tx.ExecOne(`UPDATE email_inbox SET read_at = NULL WHERE id = ?`, id)
}

func deleteInbox(tx *store.Tx, id string) error {
	tx.Notify(InboxTopic)
	return tx.ExecOne(`DELETE FROM email_inbox WHERE id = ?`, id)
}

func clearInbox(tx *store.Tx) error {
	tx.Notify(InboxTopic)
	_, err := tx.Exec(`DELETE FROM email_inbox`)
	return err
}
