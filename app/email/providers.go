package email

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email/post"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// providerState is how one who delivers mail does.
type providerState struct {
	Name    string
	Streams []string // by name, and at which place it is tried: "transactional, first"
	health  health
	Hour    counted
	Day     counted
	Rate    float64 // messages a second that it may be given; 0: any
	Limit   int64   // bytes of a message
}

// counted is what came of calls.
type counted struct{ Sent, Failed int }

// State is how it does: working, paused, open, quota or stopped.
func (p providerState) State() string { return p.health.state }

// Working says whether it takes mail.
func (p providerState) Working() bool { return p.health.state == stateWorking }

// Megabytes is the largest message that it takes.
func (p providerState) Megabytes() int64 { return p.Limit / 1_000_000 }

// Until is when it is tried again; zero if it works, or waits for a person.
func (p providerState) Until() time.Time {
	if p.health.state == stateWorking || p.health.state == stateStopped {
		return time.Time{}
	}
	return timeOrZero(p.health.until)
}

// Error is what it said last when it did not take a message, and when; "" for nothing.
func (p providerState) Error() string { return p.health.lastError }

// ErrorAt is when that was.
func (p providerState) ErrorAt() time.Time { return timeOrZero(p.health.lastErrorAt) }

// Changed is since when it does so; zero if it always did.
func (p providerState) Changed() time.Time { return timeOrZero(p.health.lastChange) }

// states are all who deliver mail, in the order in which they are tried.
func (s *System) states(tx *store.Tx) (all []providerState, err error) {
	for _, name := range s.order() {
		p := providerState{Name: name, Streams: s.places(name), Limit: s.Providers[name].Limit()}
		if p.health, err = healthOf(tx, name); err != nil {
			return nil, err
		}
		p.Rate = s.rateOf(name, post.Transactional, p.health.slow)
		if p.Hour, err = countsSince(tx, name, tx.Now().Add(-time.Hour)); err != nil {
			return nil, err
		}
		if p.Day, err = countsSince(tx, name, tx.Now().Add(-24*time.Hour)); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// order is every provider, as the streams try them.
func (s *System) order() (names []string) {
	for _, stream := range streams {
		for _, name := range s.Streams[stream] {
			if s.Providers[name] != nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Providers)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

var ordinals = []string{"first", "second", "third", "fourth"}

// places are the streams of a provider.
func (s *System) places(name string) (all []string) {
	for _, stream := range streams {
		if at := slices.Index(s.Streams[stream], name); at >= 0 {
			all = append(all, stream+", "+ordinals[min(at, len(ordinals)-1)])
		}
	}
	return all
}

func countsSince(tx *store.Tx, provider string, since time.Time) (c counted, err error) {
	err = tx.QueryRow(`SELECT coalesce(sum(sent), 0), coalesce(sum(failed), 0) FROM email_count WHERE provider = ? AND slot > ?`, provider, since.Add(-countSlot).UnixMilli()).Scan(&c.Sent, &c.Failed)
	return c, err
}

// tryAgain lets a message try a provider at once that is left alone, and has all mail
// that waits look again.
func (s *System) tryAgain(ctx context.Context, name string) error {
	if s.Providers[name] == nil {
		return web.ErrNotFound
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		h, err := healthOf(tx, name)
		if err != nil {
			return err
		}
		was := h.state
		if was == stateWorking {
			return conflict("working", "This provider works: there is nothing to try again.")
		}
		h.set(stateOpen, tx.Now(), tx.Now())
		if err := putHealth(tx, h); err != nil {
			return err
		}
		if _, err := queue.Enqueue(tx, wake{}, queue.Unique("wake", 0)); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actTried, Targets: []audit.Ref{{Type: "mail_provider", ID: name}}, Details: map[string]any{"was": was}})
	})
}

// testBy has a test mail sent by one provider, to whoever asks or to another address,
// and returns the message.
func (s *System) testBy(ctx context.Context, name, to string) (message string, err error) {
	if s.Providers[name] == nil {
		return "", web.ErrNotFound
	}
	who := web.IdentityOf(ctx)
	if to == "" && who.Email == "" {
		return "", &web.Error{Status: http.StatusUnprocessableEntity, Code: "invalid", Public: "Name the address in to: this key is nobody's.",
			Fields: []web.Field{{Field: "to", Code: "required", Message: "Whom should it go to?"}}}
	}
	norm, ok := normalAddress(cmp.Or(to, who.Email))
	if !ok {
		return "", badField("to", "address", "Write one email address, as ada@example.com.")
	}
	m := Message{To: norm, Template: "email/test", User: who.User, via: name, Vars: map[string]string{"Name": cmp.Or(who.Name, "you"), "Provider": name,
		"When": s.DB.Now().UTC().Format("2 Jan 2006, 15:04 UTC"), "URL": s.Pages.Site().URL + consoleBase + "/providers"}}
	if norm != strings.ToLower(who.Email) {
		m.User = "" // it is about somebody else
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (string, error) {
		id, err := s.Send(tx, m)
		if err != nil {
			return "", err
		}
		return id, s.Audit.Record(tx, audit.Event{Action: actTested, Targets: []audit.Ref{{Type: "mail_provider", ID: name}, {Type: "message", ID: id}}})
	})
}
