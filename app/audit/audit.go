// Package audit is the append-only log of who did what. Every change of every
// system records its event here, in its own transaction: the change and its
// event exist together or not at all (spec/audit.md section B4).
package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Action names what happened, as "noun.past_participle": "session.revoked".
type Action string

// Ref points at a person or thing: Type "user", ID "usr_…".
type Ref struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (r Ref) String() string { return r.Type + ":" + r.ID }

// User refers to a user.
func User(id string) Ref { return Ref{"user", id} }

// Event is what a system says about a change. Who, where from and in which
// request come from the transaction's context.
type Event struct {
	Action   Action
	Targets  []Ref
	Org      string            // whose log it also belongs to; "" for none
	Actor    Ref               // only where the context cannot know, as at sign-up
	Changes  map[string]Change // before and after, by field; nothing personal
	Details  map[string]any    // what else matters; nothing personal
	Personal map[string]string // personal data by name, kept outside the proof so that it can be erased
	Subject  Ref               // whom Personal is about; the actor if zero
}

// Change is a field's value before and after.
type Change struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// Subscriber is told of every event in the transaction that records it.
type Subscriber func(tx *store.Tx, e Entry) error

// Log records events.
type Log struct{ subscribers []Subscriber }

// New makes a log that tells the subscribers, in order.
func New(subscribers ...Subscriber) *Log { return &Log{subscribers: subscribers} }

// maxBody is what a C2SP tlog-tiles entry can carry, in bytes.
const maxBody = 65535

// body is the part of an event that the leaf hash covers. Its JSON is stored as
// it was hashed; the nonce keeps a hash from being guessed back to its event.
type body struct {
	Version    int               `json:"v"`
	ID         string            `json:"id"`
	Time       int64             `json:"ts"`
	Action     Action            `json:"action"`
	Actor      Ref               `json:"actor"`
	OnBehalfOf *Ref              `json:"on_behalf_of,omitempty"`
	Targets    []Ref             `json:"targets,omitempty"`
	Org        string            `json:"org,omitempty"`
	OrgSeq     int64             `json:"org_seq,omitempty"`
	RequestID  string            `json:"request_id,omitempty"`
	Session    string            `json:"session,omitempty"`
	Job        string            `json:"job,omitempty"`
	Changes    map[string]Change `json:"changes,omitempty"`
	Details    map[string]any    `json:"details,omitempty"`
	Disclosed  []string          `json:"_sd,omitempty"` // digests of the personal data, RFC 9901
	Nonce      string            `json:"nonce"`
}

// Record appends an event in the caller's transaction.
func (l *Log) Record(tx *store.Tx, e Event) error {
	b := body{Version: 1, ID: tx.NewID("evt"), Time: tx.Now().UnixMilli(), Action: e.Action, Targets: e.Targets,
		Org: e.Org, Changes: e.Changes, Details: e.Details, Nonce: nonce()}
	personal := b.fromContext(tx.Context(), e)
	subject := e.Subject
	if subject == (Ref{}) {
		subject = b.Actor
	}
	groups := disclose(&b, b.Actor, personal, subject, e.Personal)
	if err := l.append(tx, &b, groups); err != nil {
		return fmt.Errorf("record %s: %w", e.Action, err)
	}
	return nil
}

// fromContext fills in who, on whose behalf and in which request or job, and
// returns the personal data of the actor.
func (b *body) fromContext(ctx context.Context, e Event) map[string]string {
	o := web.OriginOf(ctx)
	job, inJob := queue.FromContext(ctx)
	b.RequestID, b.Session, b.Actor = o.RequestID, o.Identity.Session, e.Actor
	switch id := o.Identity; {
	case b.Actor != (Ref{}):
	case id.Impersonator != "":
		behalf := User(id.User)
		b.Actor, b.OnBehalfOf = User(id.Impersonator), &behalf
	case id.Key != "":
		b.Actor = Ref{"key", id.Key}
	case id.Known():
		b.Actor = User(id.User)
	case inJob:
		b.Actor = Ref{"system", job.Kind}
	case o.RequestID != "":
		b.Actor = Ref{"anonymous", ""}
	default:
		b.Actor = Ref{"system", "command"}
	}
	if inJob {
		b.Job, b.RequestID = job.ID, job.Cause.RequestID
	}
	personal := map[string]string{}
	if o.Addr.IsValid() {
		personal["ip"] = o.Addr.String()
	}
	if o.UserAgent != "" {
		personal["user_agent"] = o.UserAgent
	}
	return personal
}

func (l *Log) append(tx *store.Tx, b *body, groups []disclosure) error {
	seq, err := lastSeq(tx)
	if err != nil {
		return err
	}
	seq++
	if b.Org != "" {
		if b.OrgSeq, err = lastOrgSeq(tx, b.Org); err != nil {
			return err
		}
		b.OrgSeq++
	}
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if len(text) > maxBody {
		// What is too large to keep is kept as its hash: the event must not be lost.
		sum := sha256.Sum256(text)
		b.Changes, b.Details = nil, map[string]any{"omitted_bytes": len(text), "omitted_sha256": fmt.Sprintf("%x", sum)}
		if text, err = json.Marshal(b); err != nil || len(text) > maxBody {
			return errors.Join(err, errors.New("event too large"))
		}
	}
	if err := insertEvent(tx, seq, b, text, Leaf(text)); err != nil {
		return err
	}
	for _, g := range groups {
		if err := insertDisclosure(tx, seq, g); err != nil {
			return err
		}
	}
	entry := Entry{Seq: seq, ID: b.ID, Time: tx.Now(), Org: b.Org, Actor: b.Actor, Action: b.Action, Targets: b.Targets, Body: text}
	for _, tell := range l.subscribers {
		if err := tell(tx, entry); err != nil {
			return err
		}
	}
	return nil
}

// Leaf is the RFC 6962 section 2.1 hash of a leaf: SHA-256(0x00 || body).
func Leaf(body []byte) []byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(body)
	return h.Sum(nil)
}

func nonce() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
