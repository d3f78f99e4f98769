package billing

import (
	"net/http"

	"seaworthy/app/auth"
	"seaworthy/app/web"
	"seaworthy/store"
)

var errNarrow = &web.Error{Status: http.StatusPaymentRequired, Code: "restricted",
	Public: "A payment of this organization is overdue, so that nobody can be added now. Whoever manages its billing can pay it."}

// Grow says whether an org may have one more member: not while its access is narrow,
// and not beyond the seats that its plan gives.
func (s *System) Grow(tx *store.Tx, org string) error {
	if !s.On() {
		return nil
	}
	e, err := entitlementsOf(tx, org)
	if err != nil {
		return err
	}
	if e.Access == AccessRead {
		return errNarrow
	}
	seats, limited := e.Limits[limitSeats]
	if !limited || seats.Unlimited {
		return nil
	}
	used, err := auth.Seats(tx, org)
	if err != nil || used < seats.Value {
		return err
	}
	return &web.Error{Status: http.StatusConflict, Code: "no_seat",
		Public: "All " + itoa(seats.Value) + " seats of this organization are taken. Whoever manages its billing can get more."}
}
