package email

import (
	"fmt"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Choice is a category and whether somebody gets it.
type Choice struct {
	Category
	On bool
}

// choices are the categories that can be chosen, and key, which a link names, even
// if it is archived.
func choices(tx *store.Tx, r reader, key string) ([]Choice, error) {
	all, err := categories(tx)
	if err != nil {
		return nil, err
	}
	off, err := optedOut(tx, r.hash)
	if err != nil {
		return nil, err
	}
	var list []Choice
	for _, c := range all {
		if c.Archived && c.Key != key {
			continue
		}
		on := !off[c.Key] && !off[everyCategory]
		if on && c.Consent {
			if on, err = consented(tx, r.hash, c.Key); err != nil {
				return nil, err
			}
		}
		list = append(list, Choice{c, on})
	}
	return list, nil
}

// optedOut are the categories that an address does not want.
func optedOut(tx *store.Tx, hash []byte) (map[string]bool, error) {
	all, err := store.All(tx, oneText,
		`SELECT category FROM email_suppression WHERE address_hash = ? AND scope = 'category' AND lifted_at IS NULL ORDER BY category LIMIT ?`, hash, 2*maxCategories)
	off := map[string]bool{}
	for _, c := range all {
		off[c] = true
	}
	return off, err
}

// optOut ends a category for somebody, or with "*" every one. A repeat changes
// nothing.
func (s *System) optOut(tx *store.Tx, r reader, category string, how said) (changed bool, err error) {
	id, fresh, err := s.suppress(tx, Suppression{Hash: r.hash, Address: r.address, Scope: ScopeCategory, Category: category, Reason: "unsubscribe", By: how.actor})
	if err != nil || !fresh {
		return false, err
	}
	how.textVersion = ""
	if _, err := addConsent(tx, r.consent(withdrawn, category, how)); err != nil {
		return false, err
	}
	return true, s.noteChoice(tx, r, actUnsubscribed, category, id, how)
}

// optIn begins a category for somebody; to one who has it already nothing happens.
// Who wanted nothing at all then wants this and nothing else.
func (s *System) optIn(tx *store.Tx, r reader, c Category, how said) (changed bool, err error) {
	off, err := optedOut(tx, r.hash)
	if err != nil {
		return false, err
	}
	has, err := consented(tx, r.hash, c.Key)
	if err != nil || has && !off[c.Key] && !off[everyCategory] {
		return false, err
	}
	if off[everyCategory] {
		if err := s.narrow(tx, r, c.Key, how); err != nil {
			return false, err
		}
	}
	if off[c.Key] {
		if err := liftCategory(tx, r.hash, c.Key, how.actor, "asked for again: "+how.source); err != nil {
			return false, err
		}
	}
	if how.textVersion == "" {
		how.textVersion = c.textVersion()
	}
	id, err := addConsent(tx, r.consent(given, c.Key, how))
	if err != nil {
		return false, err
	}
	return true, s.noteChoice(tx, r, actConsentGiven, c.Key, id, how)
}

// narrow makes of a no to everything a no to each category but one.
func (s *System) narrow(tx *store.Tx, r reader, but string, how said) error {
	if err := liftCategory(tx, r.hash, everyCategory, how.actor, "asked for one again: "+how.source); err != nil {
		return err
	}
	all, err := categories(tx)
	for _, c := range all {
		if err != nil || c.Key == but {
			continue
		}
		_, _, err = s.suppress(tx, Suppression{Hash: r.hash, Address: r.address, Scope: ScopeCategory, Category: c.Key, Reason: "unsubscribe", By: how.actor})
	}
	return err
}

// choose makes a list of wanted categories what somebody gets.
func (s *System) choose(tx *store.Tx, r reader, wanted []string, key string, how said) (changed bool, err error) {
	list, err := choices(tx, r, key)
	if err != nil {
		return false, err
	}
	want := map[string]bool{}
	for _, k := range wanted {
		want[k] = true
	}
	for _, c := range list {
		var did bool
		switch {
		case want[c.Key] && !c.On:
			did, err = s.optIn(tx, r, c.Category, how)
		case !want[c.Key] && c.On:
			did, err = s.optOut(tx, r, c.Key, how)
		}
		if err != nil {
			return false, fmt.Errorf("choose %s: %w", c.Key, err)
		}
		changed = changed || did
		delete(want, c.Key)
	}
	if len(want) > 0 {
		return false, web.BadRequest("unknown_category", "One of the categories is not there any more. Open the page again.")
	}
	return changed, nil
}

// noteChoice records a yes or no: in the audit log without the address, which the
// entry it points at has until it is erased, and a no in the message's timeline.
func (s *System) noteChoice(tx *store.Tx, r reader, action audit.Action, category, id string, how said) error {
	e := audit.Event{Action: action, Details: map[string]any{"category": category, "source": how.source}}
	kind := "suppression"
	if action == actConsentGiven {
		kind = "consent"
	}
	e.Targets = []audit.Ref{{Type: kind, ID: id}}
	if r.message != "" {
		e.Targets = append(e.Targets, audit.Ref{Type: "message", ID: r.message})
		if action == actUnsubscribed {
			if _, _, err := addEvent(tx, Event{Message: r.message, Kind: Unsubscribed, Recipient: r.address, Details: map[string]any{"category": category, "source": how.source}}); err != nil {
				return err
			}
		}
	}
	return s.Audit.Record(tx, e)
}

// liftCategory ends what holds back a category.
func liftCategory(tx *store.Tx, hash []byte, category, by, why string) error {
	return tx.ExecOne(`UPDATE email_suppression SET lifted_at = ?, lifted_by = ?, lifted_why = ? WHERE address_hash = ? AND scope = 'category' AND category = ? AND lifted_at IS NULL`,
		tx.Now().UnixMilli(), by, why, hash, category)
}
