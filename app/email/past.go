package email

import (
	"fmt"
	"strings"
	"time"

	"seaworthy/store"
)

// Past is a mail of a demonstration that was sent before it was stored.
type Past struct {
	To, Template, Class, Subject string
	User, Job                    string
	Provider                     string
	Status                       EventKind // what became of it: delivered, bounced, complained, failed
}

// AddPast stores one with its timeline. What it said is not kept, as of any mail of ours that left.
func AddPast(tx *store.Tx, p Past) (id string, err error) {
	id = tx.NewID("msg")
	row := messageRow{id: id, stream: "transactional", class: p.Class, template: p.Template, recipient: p.To, norm: strings.ToLower(p.To), user: p.User, status: string(p.Status), job: p.Job, subject: p.Subject, onUnknown: onUnknownHold}
	if err := insertMessage(tx, row); err != nil {
		return "", fmt.Errorf("a mail of the past: %w", err)
	}
	if err := tx.ExecOne(`UPDATE email_message SET provider = ?, sent_at = ? WHERE id = ?`, p.Provider, tx.Now().UnixMilli(), id); err != nil {
		return "", err
	}
	for i, kind := range []EventKind{Queued, Accepted, p.Status} {
		if _, _, err := addEvent(tx, Event{Message: id, Kind: kind, Recipient: row.norm, At: tx.Now().Add(time.Duration(i) * time.Second)}); err != nil {
			return "", err
		}
	}
	return id, countCall(tx, p.Provider, nil)
}
