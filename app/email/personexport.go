package email

import (
	"context"
	"time"

	"seaworthy/store"
)

// personEvent is an event as its person gets it.
type personEvent struct {
	ID      string         `json:"id"`
	Message string         `json:"message,omitempty"`
	Kind    EventKind      `json:"kind"`
	To      string         `json:"to"`
	Details map[string]any `json:"details,omitempty"`
	At      time.Time      `json:"at"`
}

// ExportEvents hands over what happened to mail to a user's own addresses, oldest
// first. An address that somebody only claims is not enough to read of it.
func (s *System) ExportEvents(ctx context.Context, user string, row func(any) error) error {
	return s.eachAddress(ctx, user, func(norm string) error {
		return inPages(ctx, s.DB, row, func(tx *store.Tx, after string) ([]personEvent, error) {
			all, err := store.All(tx, scanEvent, eventColumns+`WHERE recipient_norm = ? AND recipient_norm <> '' AND id > ? ORDER BY id LIMIT ?`, norm, after, personPage)
			out := make([]personEvent, len(all))
			for i, e := range all {
				out[i] = personEvent{e.ID, e.Message, e.Kind, e.Recipient, e.Details, e.At}
			}
			return out, err
		}, func(e personEvent) string { return e.ID })
	})
}

// ExportConsents hands over what a user said yes and no to, oldest first.
func (s *System) ExportConsents(ctx context.Context, user string, row func(any) error) error {
	return s.eachAddress(ctx, user, func(norm string) error {
		hash := s.addressHash(norm)
		return inPages(ctx, s.DB, row, func(tx *store.Tx, after string) ([]consentJSON, error) {
			all, err := store.All(tx, scanConsent, consentColumns+`WHERE address_hash = ? AND id > ? ORDER BY id LIMIT ?`, hash, after, personPage)
			out := make([]consentJSON, len(all))
			for i, c := range all {
				out[i] = c.json()
			}
			return out, err
		}, func(c consentJSON) string { return c.ID })
	})
}

// personPreference is what a user gets, and what is held back from him.
type personPreference struct {
	Address    string            `json:"address"`
	Categories map[string]bool   `json:"categories"`
	Suppressed []suppressionJSON `json:"suppressed"`
}

// ExportPreferences hands over what a user's addresses get and do not get.
func (s *System) ExportPreferences(ctx context.Context, user string, row func(any) error) error {
	return s.eachAddress(ctx, user, func(norm string) error {
		p := personPreference{Address: norm, Categories: map[string]bool{}, Suppressed: []suppressionJSON{}}
		err := s.DB.Read(ctx, func(tx *store.Tx) error {
			list, err := choices(tx, s.readerOf(norm), "")
			if err != nil {
				return err
			}
			for _, c := range list {
				p.Categories[c.Key] = c.On
			}
			held, err := s.holding(tx, norm, 2*maxCategories)
			for _, h := range held {
				p.Suppressed = append(p.Suppressed, h.json())
			}
			return err
		})
		if err != nil {
			return err
		}
		return row(p)
	})
}

func (s *System) eachAddress(ctx context.Context, user string, do func(norm string) error) error {
	norms, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]string, error) { return s.addressesOf(tx, user, true) })
	for _, norm := range norms {
		if err == nil {
			err = do(norm)
		}
	}
	return err
}
