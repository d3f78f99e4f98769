package observe

import (
	"context"
	"errors"
	"net/mail"
	"net/url"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/seal"
	"seaworthy/app/web"
	"seaworthy/app/webhook"
	"seaworthy/store"
)

// Channel is who is told of alerts.
type Channel struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`           // mail, webhook, slack
	To        string    `json:"to,omitempty"`   // addresses with blanks between them; "" for all operators
	Host      string    `json:"host,omitempty"` // of the address that is posted to; the rest of it may be a secret
	Level     string    `json:"level"`          // all, critical, fallback: only what another channel could not deliver
	PerHour   int64     `json:"per_hour"`       // most mails or requests an hour
	Enabled   bool      `json:"enabled"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Secret is what the requests of a webhook are signed with; it is told once, when the channel is made.
	Secret string `json:"secret,omitempty"`
	// Last is the newest delivery.
	Last *Delivery `json:"last_delivery,omitempty"`

	url, secret []byte // sealed
}

// Delivery is one mail or request to a channel.
type Delivery struct {
	ID      string    `json:"id"`
	Channel string    `json:"channel"`
	Alerts  int64     `json:"alerts"`
	Test    bool      `json:"test,omitempty"`
	State   string    `json:"state"` // queued, mailing, sent, failed
	Problem string    `json:"problem,omitempty"`
	At      time.Time `json:"created_at"`
}

// ChannelChange is what somebody sets of a channel. What is nil stays as it is; a kind cannot be changed.
type ChannelChange struct {
	Name    *string `json:"name,omitempty" doc:"What people call it"`
	Kind    *string `json:"kind,omitempty" doc:"mail, webhook or slack"`
	To      *string `json:"to,omitempty" doc:"Address, of kind mail"`
	URL     *string `json:"url,omitempty" doc:"Address, of the others"`
	Level   *string `json:"level,omitempty" doc:"all, critical, or fallback: only what another channel could not deliver"`
	PerHour *int64  `json:"per_hour,omitempty" doc:"Most notices in an hour"`
	Enabled *bool   `json:"enabled,omitempty" doc:"Whether it is used"`
}

// applyChannel checks a change and makes it; fresh is a channel that is made.
func (s *System) applyChannel(c Channel, in ChannelChange, fresh bool) (Channel, error) {
	var bad web.Check
	if in.Kind != nil {
		bad.Fault(fresh, "kind", "fixed", "The kind of a channel stays; make another channel.")
		c.Kind = *in.Kind
	}
	bad.Fault(c.Kind == "mail" || c.Kind == "webhook" || c.Kind == "slack", "kind", "choice", "One of mail, webhook and slack.")
	if in.Name != nil || fresh {
		c.Name = bad.Text("name", deref(in.Name), 1, 60)
	}
	if in.To != nil {
		bad.Fault(c.Kind == "mail" || *in.To == "", "to", "kind", "Only mail goes to addresses.")
		c.To = strings.Join(strings.Fields(strings.ReplaceAll(*in.To, ",", " ")), " ")
		bad.Fault(len(strings.Fields(c.To)) <= 20, "to", "too_many", "At most 20 addresses.")
		for _, one := range strings.Fields(c.To) {
			a, err := mail.ParseAddress(one)
			bad.Fault(err == nil && a.Name == "" && len(one) <= 254, "to", "address", "Mail addresses with blanks between them, or nothing for all operators.")
		}
	}
	if in.URL != nil && (*in.URL != "" || fresh) || fresh && c.Kind != "mail" {
		bad.Fault(c.Kind != "mail", "url", "kind", "Mail goes to no URL.")
		u, err := url.Parse(deref(in.URL))
		bad.Fault(err == nil && (u.Scheme == "https" || u.Scheme == "http" && !s.Outside.Production) && u.Hostname() != "" && u.User == nil && u.Fragment == "" && len(deref(in.URL)) <= 2000,
			"url", "url", "An address as https://hooks.example.com/alerts, without a name or password in it.")
		if err == nil {
			bad.Fault(s.Outside.Dialer.Allowed.Judge(u.Hostname(), port(u)) == nil, "url", "inside", "This address is not of the public network. SEAWORTHY_ALERTS_ALLOW opens one of your own.")
			c.Host, c.url = u.Host, s.Outside.Keys.Seal("alert-url", c.ID, []byte(deref(in.URL)))
		}
	}
	if in.Level != nil {
		c.Level = *in.Level
	}
	bad.Fault(c.Level == "all" || c.Level == "critical" || c.Level == "fallback", "level", "choice", "One of all, critical and fallback.")
	if in.PerHour != nil {
		c.PerHour = *in.PerHour
	}
	bad.Fault(c.PerHour >= 1 && c.PerHour <= 60, "per_hour", "range", "From 1 to 60 an hour.")
	if in.Enabled != nil {
		c.Enabled = *in.Enabled
	}
	return c, bad.Err()
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// MakeChannel makes a channel. The secret of a webhook is in what is returned, and never again.
func (s *System) MakeChannel(ctx context.Context, in ChannelChange) (Channel, error) {
	c, err := s.applyChannel(Channel{ID: s.DB.NewID("chn"), Level: "all", PerHour: 6, Enabled: true}, in, true)
	if err != nil {
		return c, err
	}
	if c.Kind == "webhook" {
		secret := webhook.NewSecret()
		c.Secret, c.secret = secret.Reveal(), s.Outside.Keys.Seal("alert-secret", c.ID, []byte(secret.Reveal()))
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		all, err := listChannels(tx)
		if err != nil {
			return err
		}
		if len(all) >= maxChannels {
			return web.Invalid(web.Field{Field: "name", Code: "too_many", Message: "There are as many channels as can be."})
		}
		c.CreatedAt = tx.Now()
		if err := insertChannel(tx, c); err != nil {
			return taken(err)
		}
		return s.Audit.Record(tx, audit.Event{Action: actChannelMade, Targets: []audit.Ref{{Type: "channel", ID: c.ID}}, Details: map[string]any{"name": c.Name, "kind": c.Kind, "level": c.Level}})
	})
	return c, err
}

// taken says that a name is another's.
func taken(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return web.Invalid(web.Field{Field: "name", Code: "taken", Message: "There is a channel of this name already."})
	}
	return err
}

// ChangeChannel changes a channel.
func (s *System) ChangeChannel(ctx context.Context, id string, in ChannelChange) (c Channel, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		was, err := channelByID(tx, id)
		if err != nil {
			return err
		}
		if c, err = s.applyChannel(was, in, false); err != nil {
			return err
		}
		if err := updateChannel(tx, c); err != nil {
			return taken(err)
		}
		return s.Audit.Record(tx, audit.Event{Action: actChannelChanged, Targets: []audit.Ref{{Type: "channel", ID: c.ID}},
			Details: map[string]any{"name": c.Name, "level": c.Level, "per_hour": c.PerHour, "enabled": c.Enabled, "address_changed": deref(in.URL) != "" || in.To != nil && *in.To != was.To}})
	})
	return s.named(c), err
}

// DeleteChannel deletes a channel, and what it was still to be told.
func (s *System) DeleteChannel(ctx context.Context, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		c, err := channelByID(tx, id)
		if err != nil {
			return err
		}
		if err := deleteChannel(tx, id); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actChannelDeleted, Targets: []audit.Ref{{Type: "channel", ID: c.ID}}, Details: map[string]any{"name": c.Name}})
	})
}

// TestChannel sends one message to a channel that says that it is a test.
func (s *System) TestChannel(ctx context.Context, id string) (d Delivery, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		c, err := channelByID(tx, id)
		if err != nil {
			return err
		}
		if d, err = s.deliver(tx, c, nil, true); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actChannelTested, Targets: []audit.Ref{{Type: "channel", ID: c.ID}}, Details: map[string]any{"name": c.Name}})
	})
	return d, err
}

// Channels are all channels with their newest delivery, the oldest first.
func (s *System) Channels(ctx context.Context) ([]Channel, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) ([]Channel, error) {
		all, err := listChannels(tx)
		for i := range all {
			last, err := lastDelivery(tx, all[i].ID)
			if err == nil {
				all[i].Last = &last
			} else if !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			all[i] = s.named(all[i])
		}
		return all, err
	})
}

// named tells the host of a sealed address, which is no secret.
func (s *System) named(c Channel) Channel {
	if raw, err := s.openAddress(c); err == nil {
		if u, err := url.Parse(raw); err == nil {
			c.Host = u.Host
		}
	}
	return c
}

var errNoAddress = errors.New("the channel has no address")

func (s *System) openAddress(c Channel) (string, error) {
	return opened(s.Outside.Keys, "alert-url", c.ID, c.url)
}

func opened(keys *seal.Keys, purpose, id string, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", errNoAddress
	}
	raw, err := keys.Open(purpose, id, sealed)
	return string(raw), err
}
