package audit

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"maps"

	"seaworthy/app/web"
	"seaworthy/queue"
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

	others  []personal // what belongs to further subjects
	spare   Ref        // keep nothing personal of this subject, be it the actor
	foreign *foreign   // an event of the customer's app, handed in through the API
}

// Change is a field's value before and after.
type Change struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// foreign is what only an event from outside has.
type foreign struct {
	source   string // who handed it in, type:id
	occurred int64  // when the app says it happened, in ms; 0: as it was recorded
}

// body is the part of an event that the leaf hash covers. Its JSON is stored as
// it was hashed; the nonce keeps a hash from being guessed back to its event.
//
// The fields that also stand in columns come first: a verifier compares the
// beginning of the text with what it expects and need not read the rest.
type body struct {
	Version    int               `json:"v"`
	ID         string            `json:"id"`
	Time       int64             `json:"ts"`
	Action     Action            `json:"action"`
	Actor      Ref               `json:"actor"`
	Org        string            `json:"org,omitempty"`
	OrgSeq     int64             `json:"org_seq,omitempty"`
	RequestID  string            `json:"request_id,omitempty"`
	ClockBack  bool              `json:"clock_back,omitempty"` // the clock stood before the last event's
	Source     string            `json:"source,omitempty"`
	Occurred   int64             `json:"occurred_at,omitempty"`
	OnBehalfOf *Ref              `json:"on_behalf_of,omitempty"`
	Targets    []Ref             `json:"targets,omitempty"`
	Session    string            `json:"session,omitempty"`
	Job        string            `json:"job,omitempty"`
	Changes    map[string]Change `json:"changes,omitempty"`
	Details    map[string]any    `json:"details,omitempty"`
	Disclosed  []string          `json:"_sd,omitempty"` // digests of the personal data, RFC 9901
	Nonce      string            `json:"nonce"`
}

// bodyVersion is the form of the body above. Version 1 had the columns in
// another order and neither clock_back, source nor occurred_at.
const bodyVersion = 2

// fromContext fills in who, on whose behalf and in which request or job, and
// returns the personal data of the actor.
func (b *body) fromContext(ctx context.Context, e Event) map[string]string {
	o := web.OriginOf(ctx)
	job, inJob := queue.FromContext(ctx)
	b.RequestID, b.Session, b.Actor = o.RequestID, o.Identity.Session, e.Actor
	personal := map[string]string{}
	switch id := o.Identity; {
	case b.Actor != (Ref{}):
	case id.Impersonator != "":
		behalf := User(id.User)
		b.Actor, b.OnBehalfOf = User(id.Impersonator), &behalf
	case id.Key != "":
		b.Actor = Ref{"key", id.Key}
	case id.User != "":
		b.Actor = User(id.User)
		personal["actor_email"] = id.Email
	case inJob:
		b.Actor = Ref{"system", job.Kind}
	case o.RequestID != "":
		b.Actor = Ref{"anonymous", ""}
	case because(ctx).Actor != (Ref{}):
		b.Actor = because(ctx).Actor
	default:
		b.Actor = Ref{"system", "command"}
	}
	if inJob {
		b.Job, b.RequestID = job.ID, job.Cause.RequestID
	}
	if e.foreign != nil {
		// Where the app's server called from says nothing about the app's user.
		b.Source, b.Occurred = e.foreign.source, e.foreign.occurred
		return map[string]string{}
	}
	if o.Addr.IsValid() {
		personal["ip"] = o.Addr.String()
	}
	if o.UserAgent != "" {
		personal["user_agent"] = o.UserAgent
	}
	return personal
}

// Cause is what has changes made, beside whoever asks for them.
type Cause struct {
	Actor   Ref            // of changes that nobody asks for in a request or a job
	Details map[string]any // added to what each event says; nothing personal
}

type causeKey struct{}

// Because returns a context in which events have a cause, such as a file that is applied.
func Because(ctx context.Context, c Cause) context.Context {
	return context.WithValue(ctx, causeKey{}, c)
}

func because(ctx context.Context) Cause {
	c, _ := ctx.Value(causeKey{}).(Cause)
	return c
}

// withCause are details with those of the cause of a context.
func withCause(ctx context.Context, details map[string]any) map[string]any {
	more := because(ctx).Details
	if len(more) == 0 {
		return details
	}
	all := maps.Clone(more)
	maps.Copy(all, details)
	return all
}

// nonce is 128 random bits.
func nonce() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// caller is who makes the request that ctx belongs to.
func caller(ctx context.Context) Ref { return ParseRef(web.IdentityOf(ctx).Actor()) }
