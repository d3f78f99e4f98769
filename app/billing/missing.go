package billing

import (
	"context"
	"errors"
	"net/http"
	"time"

	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Stripe shows a customer who was deleted as deleted, with 200 (Stripe docs, retrieve a
// customer). Where it knows nothing of one, the key is that of another account or of the other
// mode, or all test data was removed. None of that may end what people have paid for.

// errMissing says that Stripe knows nothing of a customer, or of what an event is about.
var errMissing = errors.New("the account of the Stripe key knows nothing of it")

// missingPause is how long it is until Stripe is asked again: by then it may be the right key.
const missingPause = time.Hour

// missing raises an alarm about a customer of whom Stripe knows nothing, and returns errMissing.
// One who was deleted before is not missed.
func (s *System) missing(ctx context.Context, customer string) error {
	missed, err := store.Write(ctx, s.DB, func(tx *store.Tx) (bool, error) {
		c, err := customerByID(tx, customer)
		if err != nil || !c.deleted.IsZero() {
			return false, err
		}
		name := c.org
		if org, err := auth.FindOrg(tx, c.org); err == nil {
			name = org.Name
		}
		return true, raise(tx, alarm{Kind: alarmMissing, Object: c.id, Org: c.org, About: "Stripe knows nothing of " + c.id + ", the customer of " + name +
			". The key is probably that of another account, or of the other mode. Nothing was changed."})
	})
	if err == nil && missed {
		err = errMissing
	}
	return err
}

// isAlarmed reports whether an alarm is open.
func isAlarmed(tx *store.Tx, kind, object string) (bool, error) {
	found, err := store.All(tx, text, `SELECT key FROM billing_alarm WHERE key = ? AND cleared_at IS NULL`, alarm{Kind: kind, Object: object}.key())
	return len(found) > 0, err
}

// missingObject is the alarm about a charge or a dispute of which Stripe knows nothing: neither is
// ever deleted.
func missingObject(e eventRow) alarm {
	return alarm{Kind: alarmMissing, Object: e.object, About: "Stripe told of " + e.object + " (" + e.typ + ") and knows nothing of it when asked. The key is probably that of another account, or of the other mode. Replay " + e.id + " once that is mended."}
}

// LetGo takes a customer of whom Stripe knows nothing for deleted, because a person says so: what
// he had ends, and his organization can buy again.
func (s *System) LetGo(ctx context.Context, customer string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		missed, err := isAlarmed(tx, alarmMissing, customer)
		if err != nil {
			return err
		}
		if !missed {
			return &web.Error{Status: http.StatusConflict, Code: "not_missing", Public: "Stripe knows this customer. Delete the customer there, and it is taken over."}
		}
		snap, err := beginIn(tx, customer)
		if err == nil {
			_, _, err = s.apply(tx, customer, &snap)
		}
		if err != nil {
			return err
		}
		return s.noteTrouble(tx)
	})
}

// letGoAudit are the audit events of it.
var letGoAudit = []string{string(actUnlinked), string(actEnded)}

type letGoInput struct {
	Confirm string `json:"confirm" doc:"yes"`
}

func (in letGoInput) check() error {
	var c web.Check
	c.Fault(in.Confirm == "yes", "confirm", "required", "Say that you mean it.")
	return c.Err()
}

// letGo decodes and does it, and returns the customer.
func (s *System) letGo(r *http.Request) (customerRow, error) {
	in, err := web.Decode[letGoInput](r)
	if err != nil {
		return customerRow{}, err
	}
	c, err := s.customerIn(r)
	if err == nil {
		err = in.check()
	}
	if err == nil {
		err = s.LetGo(r.Context(), c.id)
	}
	return c, err
}

func (s *System) letGoAPI(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.letGo(r); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *System) letGoForm(w http.ResponseWriter, r *http.Request) error {
	c, err := s.letGo(r)
	if err != nil && c.id != "" {
		return s.showCustomer(w, r, err)
	}
	if err != nil {
		return err
	}
	return web.SeeOther(w, r, pageOfCustomer(c.id)+"?done=gone")
}
