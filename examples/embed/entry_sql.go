package main

import (
	"time"

	"seaworthy/store"
)

// entry is what somebody wrote.
type entry struct {
	ID, User, Name, Text string
	At                   time.Time
}

func scanEntry(r store.Scanner) (e entry, err error) {
	var at int64
	err = r.Scan(&e.ID, &e.User, &e.Name, &e.Text, &at)
	e.At = time.UnixMilli(at).UTC()
	return e, err
}

// listEntries are the newest before the cursor, an id; "" for the newest of all.
func listEntries(tx *store.Tx, cursor string, limit int) ([]entry, error) {
	if cursor == "" {
		cursor = "~" // after every id
	}
	return store.All(tx, scanEntry, `SELECT id, user_id, name, text, created_at FROM guestbook_entry
		WHERE id < ? AND hidden_at IS NULL ORDER BY id DESC LIMIT ?`, cursor, limit)
}

func findEntry(tx *store.Tx, id string) (entry, error) {
	return scanEntry(tx.QueryRow(`SELECT id, user_id, name, text, created_at FROM guestbook_entry WHERE id = ?`, id))
}

func insertEntry(tx *store.Tx, e entry) error {
	_, err := tx.Exec(`INSERT INTO guestbook_entry (id, user_id, name, text, created_at) VALUES (?, ?, ?, ?, ?)`, e.ID, e.User, e.Name, e.Text, e.At.UnixMilli())
	return err
}

// hideEntry is store.ErrNotFound for one that is hidden already.
func hideEntry(tx *store.Tx, id string) error {
	return tx.ExecOne(`UPDATE guestbook_entry SET hidden_at = ? WHERE id = ? AND hidden_at IS NULL`, tx.Now().UnixMilli(), id)
}
