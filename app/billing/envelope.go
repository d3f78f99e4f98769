package billing

import (
	"fmt"
	"regexp"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
)

// envelope is what is read of an event: whom it may be about. The rest is never
// looked at, because it may be old, out of order or of another version of the API;
// what is so is fetched (spec/billing.md decision 1).
type envelope struct {
	ID       string         `json:"id"`
	Object   string         `json:"object"` // event, or v2.core.event of a thin one
	Type     string         `json:"type"`
	Version  string         `json:"api_version"`
	Live     bool           `json:"livemode"`
	Account  string         `json:"account"` // of Connect; "" for our own
	Created  jsontext.Value `json:"created"` // seconds; text in a thin event
	Contents struct {
		Object struct {
			ID           ref    `json:"id"`
			Object       string `json:"object"`
			Customer     ref    `json:"customer"`
			Subscription ref    `json:"subscription"`
			Charge       ref    `json:"charge"`
		} `json:"object"`
	} `json:"data"`
}

// thin is the object of an event that carries no data.
const thin = "v2.core.event"

// ref is the id of an object that Stripe may also send whole, or null.
type ref string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (r *ref) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"':
		token, err := d.ReadToken()
		if err == nil {
			*r = ref(token.String())
		}
		return err
	case '{':
		var whole struct {
			ID string `json:"id"`
		}
		err := json.UnmarshalDecode(d, &whole)
		*r = ref(whole.ID)
		return err
	}
	return d.SkipValue() // null, or what we do not know
}

// idForm is how Stripe writes ids and types, as far as we rely on it.
var (
	idForm   = regexp.MustCompile(`^[A-Za-z0-9_]{1,255}$`)
	typeForm = regexp.MustCompile(`^[a-z0-9_.]{1,100}$`)
)

var errEnvelope = web.BadRequest("malformed", "This is not an event as Stripe sends one.")

// readEnvelope reads an event of at most the route's size. What is not one is a 400.
func readEnvelope(body []byte) (e envelope, err error) {
	if err := json.Unmarshal(body, &e); err != nil {
		return e, &web.Error{Status: errEnvelope.Status, Code: errEnvelope.Code, Public: errEnvelope.Public, Err: err}
	}
	o := e.Contents.Object
	for _, id := range []string{string(o.ID), string(o.Customer), string(o.Subscription), string(o.Charge), o.Object, e.Account} {
		if id != "" && !idForm.MatchString(id) && id != o.Object {
			return e, fmt.Errorf("an id in it: %w", errEnvelope)
		}
	}
	if !idForm.MatchString(e.ID) || !typeForm.MatchString(e.Type) || len(o.Object) > 64 || len(e.Version) > 64 {
		return e, errEnvelope
	}
	return e, nil
}

// createdAt is when Stripe made it; zero where that is not a number of seconds.
func (e *envelope) createdAt() time.Time {
	var seconds int64
	if json.Unmarshal(e.Created, &seconds) != nil || seconds < 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// customer is whom it is about, as far as it says so.
func (e *envelope) customer() string {
	if o := e.Contents.Object; o.Object == "customer" {
		return string(o.ID)
	}
	return string(e.Contents.Object.Customer)
}
