package feedback

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SendGrid takes its signed event webhook
// (https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event).
type SendGrid struct {
	key       *ecdsa.PublicKey
	tolerance time.Duration
}

// The headers of a signed event webhook.
const (
	sendgridSignature = "X-Twilio-Email-Event-Webhook-Signature"
	sendgridTimestamp = "X-Twilio-Email-Event-Webhook-Timestamp"
)

// maxEvents bounds how many events one request may bring.
const maxEvents = 5000

// NewSendGrid reads the verification key, base64 of a SubjectPublicKeyInfo, as
// SendGrid shows it. tolerance is how old, or how far ahead, a timestamp may be.
func NewSendGrid(key string, tolerance time.Duration) (*SendGrid, error) {
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(key))
	if err != nil {
		return nil, errors.New("it must be the verification key as SendGrid shows it, in base64")
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("it must be the verification key as SendGrid shows it: this is no public key")
	}
	k, ok := public.(*ecdsa.PublicKey)
	if !ok || k.Curve != elliptic.P256() {
		return nil, errors.New("it must be a key of the curve P-256")
	}
	return &SendGrid{key: k, tolerance: tolerance}, nil
}

// Verify checks the signature over the timestamp and the body as it came, byte for
// byte, and that the timestamp is of now.
func (g *SendGrid) Verify(h http.Header, body []byte, now time.Time) error {
	stamp := h.Get(sendgridTimestamp)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || len(stamp) > 12 {
		return ErrUnauthorized
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > g.tolerance || age < -g.tolerance {
		return fmt.Errorf("%w: its timestamp is %s from now", ErrUnauthorized, age.Round(time.Second))
	}
	signature, err := base64.StdEncoding.DecodeString(h.Get(sendgridSignature))
	if err != nil {
		return ErrUnauthorized
	}
	digest := sha256.New()
	digest.Write([]byte(stamp))
	digest.Write(body)
	if !ecdsa.VerifyASN1(g.key, digest.Sum(nil), signature) {
		return ErrUnauthorized
	}
	return nil
}

type sendgridEvent struct {
	Event     string  `json:"event"`
	Email     string  `json:"email"`
	Timestamp float64 `json:"timestamp"`
	EventID   string  `json:"sg_event_id"`
	MessageID string  `json:"sg_message_id"`
	SMTPID    string  `json:"smtp-id"`
	Type      string  `json:"type"`
	Status    string  `json:"status"`
	Reason    string  `json:"reason"`
	Response  string  `json:"response"`
	Ours      string  `json:"seaworthy_id"`
}

// Parse reads a batch. One event that is not understood spoils the batch: what
// SendGrid signs is well formed, and a batch that is refused comes again.
func (g *SendGrid) Parse(body []byte) ([]Event, error) {
	var batch []json.RawMessage
	if err := json.Unmarshal(body, &batch); err != nil || len(batch) > maxEvents {
		return nil, fmt.Errorf("%w: no list of at most %d events", ErrMalformed, maxEvents)
	}
	all := make([]Event, 0, len(batch))
	for i, raw := range batch {
		var in sendgridEvent
		if err := json.Unmarshal(raw, &in); err != nil || in.Event == "" {
			return nil, fmt.Errorf("%w: event %d", ErrMalformed, i)
		}
		if e, ok := in.event(); ok {
			e.Raw = kept(raw)
			all = append(all, e)
		}
	}
	return all, nil
}

// event is the event in our words; false for what people did with a mail.
func (in sendgridEvent) event() (Event, bool) {
	e := Event{Provider: "sendgrid", ProviderID: clip(sendgridMessage(in.MessageID), maxID), MessageID: clip(in.SMTPID, maxID), Ours: clip(in.Ours, maxID),
		Recipient: Normal(in.Email), Details: facts("type", in.Type, "status", in.Status, "reason", in.Reason, "response", in.Response)}
	if in.Timestamp > 0 && in.Timestamp < 1e10 {
		e.At = time.Unix(int64(in.Timestamp), 0).UTC()
	}
	switch in.Event {
	case "processed":
		e.Kind = Accepted
	case "deferred":
		e.Kind = Deferred
	case "delivered":
		e.Kind = Delivered
	case "bounce":
		e.Kind = Bounced
		if in.Type != "blocked" { // a block is of this mail or sender, not of the mailbox
			e.Effect = Dead
		}
	case "blocked":
		e.Kind = Bounced
	case "dropped":
		e.Kind = Suppressed // by SendGrid's own list, or because it could not be sent
		if strings.HasPrefix(in.Reason, "Invalid") {
			e.Kind = Failed
		}
	case "spamreport":
		e.Kind, e.Effect = Complained, Complaint
	case "unsubscribe", "group_unsubscribe":
		e.Kind, e.Effect = Unsubscribed, OptOut
	default:
		return e, false
	}
	if e.Dedupe = clip(in.EventID, maxID); e.Dedupe == "" {
		e.Dedupe = keyOf(in.Event, in.MessageID, e.Recipient, strconv.FormatFloat(in.Timestamp, 'f', 0, 64))
	}
	return e, true
}

// sendgridMessage is the id that the answer to the send had (X-Message-Id): events
// add to it where the message went through.
func sendgridMessage(id string) string {
	for _, mark := range []string{".filter", ".recvd", "-recvd"} {
		if i := strings.Index(id, mark); i > 0 {
			return id[:i]
		}
	}
	return id
}
