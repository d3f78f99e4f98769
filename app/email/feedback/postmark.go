package feedback

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Postmark takes its webhooks (https://postmarkapp.com/developer/webhooks). They
// carry no signature: whoever knows the user and password in the webhook's URL
// speaks, from Postmark's addresses if those are configured.
type Postmark struct {
	credentials [sha256.Size]byte
	networks    []netip.Prefix
}

// NewPostmark reads "user:password", and the addresses or networks that may call,
// separated by blanks; none are all.
func NewPostmark(credentials, networks string) (*Postmark, error) {
	user, password, ok := strings.Cut(credentials, ":")
	if !ok || user == "" || len(password) < 16 {
		return nil, errors.New("it must be user:password with a password of at least 16 characters, as in the URL https://user:password@host that Postmark is given")
	}
	p := &Postmark{credentials: sha256.Sum256([]byte(credentials))}
	for _, s := range strings.FieldsFunc(networks, func(c rune) bool { return c == ' ' || c == ',' }) {
		n, err := netip.ParsePrefix(s)
		if err != nil {
			ip, wrong := netip.ParseAddr(s)
			if wrong != nil {
				return nil, fmt.Errorf("%q is neither an address nor a network", s)
			}
			n = netip.PrefixFrom(ip, ip.BitLen())
		}
		p.networks = append(p.networks, n.Masked())
	}
	return p, nil
}

// Verify checks the basic authentication, in a time that says nothing of it, and
// where the request comes from.
func (p *Postmark) Verify(r *http.Request, from netip.Addr) error {
	user, password, _ := r.BasicAuth()
	given := sha256.Sum256([]byte(user + ":" + password))
	ok := subtle.ConstantTimeCompare(given[:], p.credentials[:]) == 1
	here := len(p.networks) == 0
	for _, n := range p.networks {
		here = here || n.Contains(from.Unmap())
	}
	if !ok || !here {
		return ErrUnauthorized
	}
	return nil
}

type postmarkEvent struct {
	RecordType    string
	ID            json.Number
	Type          string
	MessageID     string
	MessageStream string
	Email         string // of bounces and complaints
	Recipient     string // of the others
	Description   string
	Details       string
	BouncedAt     string
	DeliveredAt   string
	ChangedAt     string
	Metadata      map[string]any

	Origin            string
	SuppressSending   bool
	SuppressionReason string
}

// postmarkBounces are the bounce types (https://postmarkapp.com/developer/api/bounce-api).
// A type that is not here bounced and says nothing of the mailbox. The type and not
// its code counts: the code of SpamComplaint differs between Postmark's own pages.
var postmarkBounces = map[string]struct {
	kind   Kind
	effect Effect
}{
	"HardBounce":              {Bounced, Dead},
	"BadEmailAddress":         {Bounced, Dead},
	"Transient":               {Deferred, None},
	"Unsubscribe":             {Unsubscribed, OptOut},
	"AutoResponder":           {Responded, None},
	"AddressChange":           {Responded, None},
	"ChallengeVerification":   {Responded, None},
	"SpamComplaint":           {Complained, Complaint},
	"ManuallyDeactivated":     {Suppressed, None},
	"Unconfirmed":             {Suppressed, None},
	"SMTPApiError":            {Failed, None},
	"TemplateRenderingFailed": {Failed, None},
}

// Parse reads one webhook. What people did with a mail (opens, clicks) is not kept
// and yields nothing.
func (p *Postmark) Parse(body []byte) ([]Event, error) {
	var in postmarkEvent
	if err := json.Unmarshal(body, &in); err != nil || in.RecordType == "" {
		return nil, fmt.Errorf("%w: no record of Postmark's", ErrMalformed)
	}
	e := Event{Provider: "postmark", ProviderID: clip(in.MessageID, maxID), Raw: kept(body)}
	e.Ours, _ = in.Metadata["seaworthy_id"].(string)
	e.Ours = clip(e.Ours, maxID)
	address, at := in.Email, in.BouncedAt
	e.Details = facts("type", in.Type, "reason", in.Details, "description", in.Description, "stream", in.MessageStream)
	switch in.RecordType {
	case "Delivery":
		e.Kind, address, at = Delivered, in.Recipient, in.DeliveredAt
	case "Bounce":
		e.Kind = Bounced
		if known, ok := postmarkBounces[in.Type]; ok {
			e.Kind, e.Effect = known.kind, known.effect
		}
	case "SpamComplaint":
		e.Kind, e.Effect = Complained, Complaint
	case "SubscriptionChange":
		address, at = in.Recipient, in.ChangedAt
		e.Details = facts("reason", in.SuppressionReason, "origin", in.Origin, "stream", in.MessageStream)
		if !in.SuppressSending || in.SuppressionReason != "ManualSuppression" || in.Origin != "Recipient" {
			return nil, nil // a bounce or complaint that is told of its own, or an act of the account's people
		}
		e.Kind, e.Effect = Unsubscribed, OptOut
	default:
		return nil, nil
	}
	e.Recipient, e.At = Normal(address), when(at)
	if n, err := strconv.ParseInt(string(in.ID), 10, 64); err == nil && n > 0 {
		e.Dedupe = in.RecordType + ":" + strconv.FormatInt(n, 10)
	} else {
		e.Dedupe = keyOf(in.RecordType, in.MessageID, e.Recipient, at)
	}
	return []Event{e}, nil
}
