package email

import (
	"encoding/json"

	"seaworthy/store"
)

func insertRequest(tx *store.Tx, r requestRow) error {
	tags, err := jsonText(r.tags, len(r.tags) == 0, "[]")
	if err != nil {
		return err
	}
	metadata, err := jsonText(r.metadata, len(r.metadata) == 0, "{}")
	if err != nil {
		return err
	}
	headers, err := jsonText(r.headers, len(r.headers) == 0, "{}")
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO email_request (id, sender, reply_to, tags, metadata, headers, content, files, created_by, created_at, wipe_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.id, r.sender, r.replyTo, tags, metadata, headers, r.content, r.files, r.by, tx.Now().UnixMilli(), orZero(r.wipe))
	return err
}

// jsonText is a value as JSON in text.
func jsonText(v any, empty bool, otherwise string) (string, error) {
	if empty {
		return otherwise, nil
	}
	raw, err := json.Marshal(v)
	return string(raw), err
}

func requestByID(tx *store.Tx, id string) (r requestRow, err error) {
	var tags, metadata, headers string
	r.id = id
	if err := tx.QueryRow(`SELECT sender, reply_to, tags, metadata, headers, content, files, created_by, coalesce(wipe_at, 0) FROM email_request WHERE id = ?`, id).
		Scan(&r.sender, &r.replyTo, &tags, &metadata, &headers, &r.content, &r.files, &r.by, &r.wipe); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(tags), &r.tags); err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(metadata), &r.metadata); err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(headers), &r.headers)
}

func insertFile(tx *store.Tx, request string, position int, f fileRow) error {
	_, err := tx.Exec(`INSERT INTO email_file (request_id, position, name, type, content_id, data) VALUES (?, ?, ?, ?, ?, ?)`, request, position, f.name, f.kind, f.contentID, f.data)
	return err
}

func filesOf(tx *store.Tx, request string) ([]fileRow, error) {
	return store.All(tx, func(r store.Scanner) (f fileRow, err error) {
		return f, r.Scan(&f.name, &f.kind, &f.contentID, &f.data)
	},
		`SELECT name, type, content_id, data FROM email_file WHERE request_id = ? ORDER BY position`, request)
}

func insertTag(tx *store.Tx, tag, message string) error {
	_, err := tx.Exec(`INSERT INTO email_tag (tag, message) VALUES (?, ?) ON CONFLICT (tag, message) DO NOTHING`, tag, message)
	return err
}
