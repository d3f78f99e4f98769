package sms

import (
	"errors"
	"time"

	"seaworthy/store"
)

type messageRow struct {
	id, user, status     string
	recipient, mac, body []byte
	expires              int64 // unix ms
}

func isGone(err error) bool { return errors.Is(err, store.ErrNotFound) }

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func insertMessage(tx *store.Tx, m messageRow) error {
	_, err := tx.Exec(`INSERT INTO sms_message (id, user_id, recipient, recipient_mac, body, status, created_at, expires_at) VALUES (?, ?, ?, ?, ?, 'queued', ?, ?)`,
		m.id, orNull(m.user), m.recipient, m.mac, m.body, tx.Now().UnixMilli(), m.expires)
	return err
}

func messageByID(tx *store.Tx, id string) (m messageRow, err error) {
	m.id = id
	err = tx.QueryRow(`SELECT coalesce(user_id, ''), recipient, body, status, expires_at FROM sms_message WHERE id = ?`, id).
		Scan(&m.user, &m.recipient, &m.body, &m.status, &m.expires)
	return m, err
}

// markSent and markEnded wipe the body: it held a code, and has done its work.
func markSent(tx *store.Tx, id, provider, providerID string) error {
	return tx.ExecOne(`UPDATE sms_message SET status = 'sent', provider = ?, provider_id = ?, sent_at = ?, body = NULL, error = NULL WHERE id = ?`,
		provider, orNull(providerID), tx.Now().UnixMilli(), id)
}

func markEnded(tx *store.Tx, id, status, reason string) error {
	return tx.ExecOne(`UPDATE sms_message SET status = ?, error = ?, body = NULL WHERE id = ?`, status, reason, id)
}

func countTo(tx *store.Tx, mac []byte, since int64, most int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM sms_message WHERE recipient_mac = ? AND created_at > ? LIMIT ?)`, mac, since, most).Scan(&n)
	return n, err
}

func countFor(tx *store.Tx, user string, since int64, most int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM sms_message WHERE user_id = ? AND user_id IS NOT NULL AND created_at > ? LIMIT ?)`, user, since, most).Scan(&n)
	return n, err
}

func countAll(tx *store.Tx, since int64, most int) (n int, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM sms_message WHERE created_at > ? LIMIT ?)`, since, most).Scan(&n)
	return n, err
}

// Text is a text that the development inbox caught.
type Text struct {
	ID, To, Body string
	At           time.Time
	Read         bool
}

const inboxColumns = `SELECT id, recipient, body, received_at, read_at IS NOT NULL FROM sms_inbox `

func scanText(r store.Scanner) (t Text, err error) {
	var at int64
	err = r.Scan(&t.ID, &t.To, &t.Body, &at, &t.Read)
	t.At = time.UnixMilli(at).UTC()
	return t, err
}

func insertInbox(tx *store.Tx, id string, to Phone, body, wake string) error {
	_, err := tx.Exec(`INSERT INTO sms_inbox (id, message_id, recipient, body, received_at) VALUES (?, ?, ?, ?, ?)`,
		tx.NewID("itx"), id, string(to), body, tx.Now().UnixMilli())
	if wake != "" {
		tx.Notify(wake)
	}
	return err
}

// Caught are the newest texts in the development inbox.
func Caught(tx *store.Tx, limit int) ([]Text, error) {
	return store.All(tx, scanText, inboxColumns+`ORDER BY id DESC LIMIT ?`, limit)
}

// CaughtByID is one text of the development inbox.
func CaughtByID(tx *store.Tx, id string) (Text, error) {
	return scanText(tx.QueryRow(inboxColumns+`WHERE id = ?`, id))
}

// MarkRead notes that somebody has looked at a text.
func MarkRead(tx *store.Tx, id string) error {
	_, err := tx.Exec(`UPDATE sms_inbox SET read_at = ? WHERE id = ? AND read_at IS NULL`, tx.Now().UnixMilli(), id)
	return err
}

const (
	keepMessages = 7 * 24 * time.Hour // the limits look back a day, people who look for one a few
	dropSlice    = 20
)

// dropOld deletes some of the texts whose time is over. Each that is sent does so: they go
// faster than they come. Those in the development inbox stay there until it is cleared.
func dropOld(tx *store.Tx) error {
	_, err := tx.Exec(`DELETE FROM sms_message WHERE id IN (SELECT id FROM sms_message WHERE created_at < ? AND status <> 'queued' AND coalesce(provider, '') <> 'inbox' ORDER BY created_at LIMIT ?)`,
		tx.Now().Add(-keepMessages).UnixMilli(), dropSlice)
	return err
}

func deleteMessages(tx *store.Tx, userID string) error {
	if _, err := tx.Exec(`DELETE FROM sms_inbox WHERE message_id IN (SELECT id FROM sms_message WHERE user_id = ? AND user_id IS NOT NULL)`, userID); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM sms_message WHERE user_id = ? AND user_id IS NOT NULL`, userID)
	return err
}

// Delete removes one text from the development inbox.
func Delete(tx *store.Tx, id string) error {
	return tx.ExecOne(`DELETE FROM sms_inbox WHERE id = ?`, id)
}

// Clear empties the development inbox.
func Clear(tx *store.Tx) error {
	_, err := tx.Exec(`DELETE FROM sms_inbox`)
	return err
}
