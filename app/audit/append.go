package audit

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
	"seaworthy/store"
)

// eventInput is an event that the customer's app hands in.
type eventInput struct {
	Action    string                    `json:"action" doc:"What was done, as noun.past_participle: invoice.deleted"`
	Actor     Ref                       `json:"actor" doc:"Who did it"`
	Targets   []Ref                     `json:"targets,omitempty" doc:"What it was done to"`
	Org       string                    `json:"org,omitempty" doc:"Organization that it is listed under"`
	Occurred  string                    `json:"occurred_at,omitempty" doc:"When, if not now, as RFC 3339"`
	IP        string                    `json:"ip,omitempty" doc:"Address of the app's user; can be erased"`
	UserAgent string                    `json:"user_agent,omitempty" doc:"Browser or program of that user"`
	Changes   map[string]rawChange      `json:"changes,omitempty" doc:"By field, what it was and what it is"`
	Details   map[string]jsontext.Value `json:"details,omitempty" doc:"Whatever else belongs to it"`
	Personal  map[string]string         `json:"personal,omitempty" doc:"Personal data of the actor; can be erased"`
}

// rawChange keeps values as they were sent: a number must not lose digits.
type rawChange struct {
	From jsontext.Value `json:"from"`
	To   jsontext.Value `json:"to"`
}

// The bounds of an event from outside.
const (
	maxTargets, maxFields = 20, 50
	maxRef, maxPersonal   = 200, 1000
)

var (
	typeName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	// ourTypes may not act in an event from outside: it would look like our word.
	ourTypes = []string{"system", "key", "anonymous"}
)

// checkEvent makes an Event of what was sent, or says which field is wrong.
func (s *System) checkEvent(in eventInput, source string) (Event, error) {
	var c web.Check
	e := Event{Action: Action(in.Action), Actor: in.Actor, Targets: in.Targets, Org: in.Org, foreign: &foreign{source: source}}
	c.Fault(wellFormed.MatchString(in.Action), "action", "form", `An action looks like "invoice.deleted".`)
	_, ours := s.catalog[e.Action]
	c.Fault(!ours, "action", "reserved", "This action is one of Seaworthy's own.")
	checkRef(&c, "actor", in.Actor)
	c.Fault(!slices.Contains(ourTypes, in.Actor.Type), "actor", "reserved", "An actor of this type is one of Seaworthy's own.")
	c.Fault(len(in.Targets) <= maxTargets, "targets", "too_many", fmt.Sprintf("At most %d.", maxTargets))
	for i, t := range in.Targets {
		checkRef(&c, fmt.Sprintf("targets.%d", i), t)
	}
	c.Text("org", in.Org, 0, maxRef)
	if in.Occurred != "" {
		at, err := time.Parse(time.RFC3339, in.Occurred)
		c.Fault(err == nil && at.Year() > 1970 && at.Year() < 9999, "occurred_at", "time", "A time as 2026-11-22T14:05:00Z.")
		e.foreign.occurred = at.UnixMilli()
	}
	e.Personal = map[string]string{}
	for name, value := range in.Personal {
		c.Fault(typeName.MatchString(name), "personal", "form", "Names are small letters, digits and underscores.")
		e.Personal[name] = c.Text("personal."+web.CleanText(name, 40), value, 0, maxPersonal)
	}
	if in.IP != "" {
		addr, err := netip.ParseAddr(in.IP)
		c.Fault(err == nil, "ip", "form", "This is no IP address.")
		e.Personal["ip"] = addr.String()
	}
	if in.UserAgent != "" {
		e.Personal["user_agent"] = web.CleanText(in.UserAgent, 512)
	}
	c.Fault(len(e.Personal) <= maxFields && len(in.Changes) <= maxFields && len(in.Details) <= maxFields, "details", "too_many",
		fmt.Sprintf("At most %d fields each in changes, details and personal.", maxFields))
	e.Changes, e.Details = map[string]Change{}, map[string]any{}
	for name, ch := range in.Changes {
		e.Changes[name] = Change{From: raw(ch.From), To: raw(ch.To)}
	}
	for name, v := range in.Details {
		e.Details[name] = raw(v)
	}
	return e, c.Err()
}

func checkRef(c *web.Check, field string, r Ref) {
	c.Fault(typeName.MatchString(r.Type), field+".type", "form", `A type looks like "user" or "invoice".`)
	c.Text(field+".id", r.ID, 1, maxRef)
}

// raw is a value as it was sent; null where there was none.
func raw(v jsontext.Value) any {
	if len(v) == 0 {
		return nil
	}
	return json.RawMessage(v)
}

// appendAPI records an event of the customer's app.
func (s *System) appendAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[eventInput](r)
	if err != nil {
		return err
	}
	source := caller(r.Context())
	e, err := s.checkEvent(in, source.String())
	if err != nil {
		return err
	}
	key, err := web.IdempotencyKey(r)
	if err != nil {
		return err
	}
	fingerprint := fingerprintOf(r.URL.Path, in)
	type answer struct {
		Entry
		replay bool
	}
	done, err := store.Write(r.Context(), s.DB, func(tx *store.Tx) (done answer, err error) {
		if key != "" {
			id, same, err := earlier(tx, source.String(), key, fingerprint)
			switch {
			case err == nil && !same:
				return done, errKeyReused
			case err == nil:
				done.replay = true
				done.Entry, err = ByID(tx, id)
				return done, err
			case !errors.Is(err, store.ErrNotFound):
				return done, err
			}
		}
		if in.Org != "" {
			org, err := s.FindOrg(tx, in.Org)
			if err != nil {
				return done, unknownOrg(err)
			}
			e.Org = org.ID
		}
		if done.Entry, err = s.record(tx, e); err != nil {
			return done, err
		}
		if err := done.read(tx); err != nil || key == "" {
			return done, err
		}
		return done, remember(tx, source.String(), key, fingerprint, done.ID)
	})
	if err != nil {
		return err
	}
	if done.replay {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	return web.JSON(w, http.StatusCreated, done.json())
}

func unknownOrg(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return web.Invalid(web.Field{Field: "org", Code: "unknown", Message: "There is no such organization."})
	}
	return err
}

// fingerprintOf tells requests apart that came with the same key.
func fingerprintOf(path string, in any) []byte {
	text, _ := json.Marshal(in)
	sum := sha256.Sum256(append([]byte(path+"\n"), text...))
	return sum[:]
}
