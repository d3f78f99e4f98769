package billing

import (
	"encoding/json"
	"time"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// States of an intent.
const (
	intentPreviewed = "previewed" // a change was reckoned and can be applied until it expires
	intentOpen      = "open"      // Stripe was, or is being, asked
	intentDone      = "done"
	intentFailed    = "failed"
	intentExpired   = "expired"
)

// intent is what somebody asked of Stripe (billing_intent). It is stored before
// Stripe is called and its id is the idempotency key of the call: if the answer is
// lost, the call is made again and nothing is done twice.
type intent struct {
	id, org, kind, state, subscription string
	wish                               wish
	outcome                            outcome
	remote, fault, by                  string
	made, expires, ended               time.Time
}

// wish is what was asked.
type wish struct {
	Price     string `json:"price,omitempty"`
	Quantity  int64  `json:"quantity,omitempty"`
	Coupon    string `json:"coupon,omitempty"`
	Flow      string `json:"flow,omitempty"`   // of the portal
	Return    string `json:"return,omitempty"` // path on this site
	At        string `json:"at,omitempty"`     // now, period_end
	Reason    string `json:"reason,omitempty"`
	Comment   string `json:"comment,omitempty"`
	Behavior  string `json:"behavior,omitempty"` // of a pause
	Proration int64  `json:"proration_date,omitempty"`
	Prorate   string `json:"proration,omitempty"` // create_prorations, always_invoice, none
	Item      string `json:"item,omitempty"`
	Schedule  string `json:"schedule,omitempty"`  // that the subscription was under, and is taken out of
	Promotion string `json:"promotion,omitempty"` // id of a promotion code
	Invoice   string `json:"invoice,omitempty"`
	Amount    int64  `json:"amount,omitempty"`
	Until     int64  `json:"until,omitempty"` // ms
}

// outcome is what Stripe answered.
type outcome struct {
	URL     string   `json:"url,omitempty"`
	Preview *Preview `json:"preview,omitempty"`
}

const intentColumns = `SELECT id, org_id, kind, state, subscription_id, wish, outcome, remote_id, fault, made_by, made_at, expires_at, coalesce(ended_at, 0) FROM billing_intent `

func scanIntent(r store.Scanner) (i intent, err error) {
	var wish, outcome string
	var made, expires, ended int64
	if err = r.Scan(&i.id, &i.org, &i.kind, &i.state, &i.subscription, &wish, &outcome, &i.remote, &i.fault, &i.by, &made, &expires, &ended); err != nil {
		return i, err
	}
	i.made, i.expires, i.ended = at(made), at(expires), at(ended)
	if err = json.Unmarshal([]byte(wish), &i.wish); err == nil {
		err = json.Unmarshal([]byte(outcome), &i.outcome)
	}
	return i, err
}

func intentByID(tx *store.Tx, id string) (intent, error) {
	return scanIntent(tx.QueryRow(intentColumns+`WHERE id = ?`, id))
}

// openCheckout is the session in which an org is about to buy; store.ErrNotFound for none.
func openCheckout(tx *store.Tx, org string) (intent, error) {
	return scanIntent(tx.QueryRow(intentColumns+`WHERE org_id = ? AND kind = 'checkout' AND state = 'open'`, org))
}

func insertIntent(tx *store.Tx, i *intent, life time.Duration) error {
	wish, err := json.Marshal(i.wish)
	if err != nil {
		return err
	}
	outcome, err := json.Marshal(i.outcome)
	if err != nil {
		return err
	}
	i.id, i.by, i.made, i.expires = tx.NewID("int"), by(tx), tx.Now(), tx.Now().Add(life)
	_, err = tx.Exec(`INSERT INTO billing_intent (id, org_id, kind, state, subscription_id, wish, outcome, remote_id, fault, made_by, made_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, '', '', ?, ?, ?)`,
		i.id, i.org, i.kind, i.state, i.subscription, string(wish), string(outcome), i.by, i.made.UnixMilli(), i.expires.UnixMilli())
	return err
}

// answerIntent keeps what Stripe answered.
func answerIntent(tx *store.Tx, i *intent) error {
	outcome, err := json.Marshal(i.outcome)
	if err != nil {
		return err
	}
	return tx.ExecOne(`UPDATE billing_intent SET state = ?, outcome = ?, remote_id = ?, fault = ?, expires_at = ?, ended_at = ? WHERE id = ?`,
		i.state, string(outcome), i.remote, i.fault, i.expires.UnixMilli(), ms(i.ended), i.id)
}

// endIntent says what became of one.
func endIntent(tx *store.Tx, id, state, fault string) error {
	return tx.ExecOne(`UPDATE billing_intent SET state = ?, fault = ?, ended_at = ? WHERE id = ?`, state, fault, tx.Now().UnixMilli(), id)
}

// settleCheckout closes the session that an event of Stripe's is about.
func (s *System) settleCheckout(tx *store.Tx, session, event string) error {
	i, err := scanIntent(tx.QueryRow(intentColumns+`WHERE state = 'open' AND remote_id = ? ORDER BY id LIMIT 1`, session))
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	state, action := intentDone, actCheckoutDone
	if event == "checkout.session.expired" {
		state, action = intentExpired, actCheckoutOver
	}
	if err := endIntent(tx, i.id, state, ""); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: action, Org: i.org, Targets: i.targets(), Details: map[string]any{"price": i.wish.Price}})
}

// expireIntents ends what nobody came back to.
func (s *System) expireIntents(tx *store.Tx) error {
	for _, state := range []string{intentOpen, intentPreviewed} {
		over, err := store.All(tx, scanIntent, intentColumns+`WHERE state = ? AND expires_at <= ? ORDER BY expires_at LIMIT ?`, state, tx.Now().UnixMilli(), sweepSlice)
		if err != nil {
			return err
		}
		for _, i := range over {
			if err := s.endUnused(tx, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// endUnused ends an intent that nobody came back to. That a checkout came to nothing is
// recorded, because its own event of Stripe's may come after and finds it ended.
func (s *System) endUnused(tx *store.Tx, i intent) error {
	if err := endIntent(tx, i.id, intentExpired, ""); err != nil || i.kind != "checkout" {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actCheckoutOver, Org: i.org, Targets: i.targets(), Details: map[string]any{"price": i.wish.Price}})
}
