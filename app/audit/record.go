package audit

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"seaworthy/app/audit/merkle"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Subscriber is told of every event in the transaction that records it.
type Subscriber func(tx *store.Tx, e Entry) error

// Log records events and keeps the tree over them. One Log belongs to a
// database; its methods run inside that database's transactions.
type Log struct {
	subscribers []Subscriber
	catalog     catalog
	tree        ledger
	lastTime    int64 // ts of the newest event this process recorded, in ms
}

// maxBody is what a C2SP tlog-tiles entry can carry, in bytes.
const maxBody = 65535

var errTooLarge = &web.Error{Status: http.StatusRequestEntityTooLarge, Code: "too_large",
	Public: fmt.Sprintf("The event is larger than the %d bytes that fit. Keep what is large elsewhere and record its hash.", maxBody)}

// Record appends an event in the caller's transaction. Its action must be in the
// catalogue.
func (l *Log) Record(tx *store.Tx, e Event) error {
	if _, ok := l.catalog[e.Action]; !ok && e.foreign == nil {
		return fmt.Errorf("record %s: no system has declared this action", e.Action)
	}
	_, err := l.record(tx, e)
	return err
}

func (l *Log) record(tx *store.Tx, e Event) (Entry, error) {
	if err := web.OriginOf(tx.Context()).Once.Take(tx); err != nil {
		return Entry{}, err
	}
	b := body{Version: bodyVersion, ID: tx.NewID("evt"), Time: tx.Now().UnixMilli(), Action: e.Action, Targets: e.Targets,
		Org: e.Org, Changes: e.Changes, Details: withCause(tx.Context(), e.Details), Nonce: nonce()}
	b.ClockBack = b.Time < l.lastTime
	about := b.fromContext(tx.Context(), e)
	if b.Actor == e.spare {
		about = nil
	}
	subject := e.Subject
	if subject == (Ref{}) {
		subject = b.Actor
	}
	groups := disclose(&b, append([]personal{{b.Actor, about}, {subject, e.Personal}}, e.others...)...)
	entry, err := l.append(tx, &b, groups)
	if err != nil {
		return entry, fmt.Errorf("record %s: %w", e.Action, err)
	}
	// A rollback leaves this behind; then the next event may say clock_back
	// where nothing earlier shows why, which is true all the same.
	l.lastTime = b.Time
	return entry, nil
}

func (l *Log) append(tx *store.Tx, b *body, groups []disclosure) (Entry, error) {
	seq, err := lastSeq(tx)
	if err != nil {
		return Entry{}, err
	}
	seq++
	if b.Org != "" {
		if b.OrgSeq, err = lastOrgSeq(tx, b.Org); err != nil {
			return Entry{}, err
		}
		b.OrgSeq++
	}
	text, err := encode(b)
	if err != nil {
		return Entry{}, err
	}
	leaf := merkle.Leaf(text)
	if err := insertEvent(tx, seq, b, text, leaf[:]); err != nil {
		return Entry{}, err
	}
	for _, g := range groups {
		if err := insertDisclosure(tx, seq, g); err != nil {
			return Entry{}, err
		}
	}
	if err := l.tree.grow(tx, seq, leaf); err != nil {
		return Entry{}, fmt.Errorf("grow the tree: %w", err)
	}
	entry := Entry{Seq: seq, ID: b.ID, Time: time.UnixMilli(b.Time).UTC(), Org: b.Org, OrgSeq: b.OrgSeq, Actor: b.Actor, Action: b.Action, Targets: b.Targets, RequestID: b.RequestID, Body: text}
	for _, tell := range l.subscribers {
		if err := tell(tx, entry); err != nil {
			return entry, err
		}
	}
	return entry, nil
}

// encode is the body's JSON. What is too large to keep is kept as its hash: the
// event must not be lost.
func encode(b *body) ([]byte, error) {
	text, err := json.Marshal(b)
	if err != nil || len(text) <= maxBody {
		return text, err
	}
	if b.Source != "" {
		return nil, errTooLarge // whoever sent it can send less
	}
	sum := sha256.Sum256(text)
	b.Changes, b.Details = nil, map[string]any{"omitted_bytes": len(text), "omitted_sha256": fmt.Sprintf("%x", sum)}
	if text, err = json.Marshal(b); err == nil && len(text) > maxBody {
		err = errors.New("event too large")
	}
	return text, err
}
