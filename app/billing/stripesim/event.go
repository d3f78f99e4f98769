package stripesim

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// emit tells of what has become of an object, to those endpoints that want to hear it.
// The event has the object as it is now, and stays so: one that is delivered late tells
// of the past, and nothing orders two of the same second. previous_attributes are what
// the running change has made different, which is what Stripe means by them.
func (s *Sim) emit(typ string, o object) {
	data := object{"object": s.show(o)}
	if was := s.undo[o.str("id")]; was != nil && strings.HasSuffix(typ, ".updated") {
		before := object{}
		for name, v := range was {
			if !strings.HasPrefix(name, "_") && !sameJSON(v, o[name]) {
				before[name] = visible(v)
			}
		}
		data["previous_attributes"] = before
	}
	e := s.make("event", "evt", object{"api_version": Version, "type": typ, "data": deep(data), "pending_webhooks": int64(0), "request": object{"id": nil, "idempotency_key": nil}})
	pending := int64(0)
	for _, to := range s.all("webhook_endpoint") {
		if to.str("status") == "enabled" && wants(to, typ) {
			pending++
			s.make("_delivery", "dlv", object{"event": e["id"], "endpoint": to["id"], "due": s.now().Unix() + int64(s.faults.DelaySeconds), "attempts": int64(0), "state": "waiting", "status": int64(0)})
		}
	}
	e["pending_webhooks"] = pending
}

// sameJSON compares what is shown, not how it is held: what comes from the file has other
// types of Go than what was made since.
func sameJSON(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, err := json.Marshal(visible(a))
	y, worse := json.Marshal(visible(b))
	return err == nil && worse == nil && string(x) == string(y)
}

// wants reports whether an endpoint asked for a type; "*" is all of them.
func wants(endpoint object, typ string) bool {
	all, _ := endpoint["enabled_events"].([]any)
	return slices.Contains(all, any("*")) || slices.Contains(all, any(typ))
}

func (c *call) getEvent() (object, *Error) { return c.the("event", c.id, "id") }

// listEvents lists those of the last 30 days, which is as long as Stripe keeps them.
func (c *call) listEvents() (object, *Error) {
	types, since := c.f.texts("types"), c.now().AddDate(0, 0, -30).Unix()
	if t := c.f.str("type"); t != "" {
		types = append(types, t)
	}
	failed := map[string]bool{}
	for _, d := range c.all("_delivery") {
		if d.str("state") != "delivered" {
			failed[d.str("event")] = true
		}
	}
	return c.list("event", func(e object) bool {
		if c.f.has("delivery_success") && c.f.yes("delivery_success") == failed[e.str("id")] {
			return false
		}
		if len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool {
			prefix, any := strings.CutSuffix(t, "*")
			return t == e.str("type") || any && strings.HasPrefix(e.str("type"), prefix)
		}) {
			return false
		}
		return e.num("created") >= since
	})
}
