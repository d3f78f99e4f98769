package auth

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// MakeOperator gives a user every permission in the whole instance. Whoever asks
// has every one himself, and types the user's address, so that it is nobody else.
func (s *System) MakeOperator(ctx context.Context, id, typed string) error {
	return s.onUser(ctx, id, func(tx *store.Tx, u user) error {
		if err := mayMakeOperators(tx, u, typed); err != nil {
			return err
		}
		if u.status != "active" || !u.verified {
			return &web.Error{Status: http.StatusConflict, Code: "unverified",
				Public: "An operator has to be active and to have verified the address."}
		}
		if done, err := isOperator(tx, u.id); err != nil || done {
			return err
		}
		if err := bindRole(tx, u.id, "", "rol_operator"); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actOperatorMade, Targets: []audit.Ref{audit.User(u.id)}})
	})
}

// UnmakeOperator takes the operator's role from a user, and ends the keys of the
// whole instance that he made: they would go on with what he has lost. One operator
// always remains.
func (s *System) UnmakeOperator(ctx context.Context, id, typed string) error {
	return s.onUser(ctx, id, func(tx *store.Tx, u user) error {
		if err := mayMakeOperators(tx, u, typed); err != nil {
			return err
		}
		if is, err := isOperator(tx, u.id); err != nil || !is {
			return err
		}
		if err := keepOperator(tx, u.id); err != nil {
			return err
		}
		if err := unbindOperator(tx, u.id); err != nil {
			return err
		}
		if err := s.EndInstanceKeys(tx, u.id); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actOperatorUnmade, Targets: []audit.Ref{audit.User(u.id)}})
	})
}

func mayMakeOperators(tx *store.Tx, u user, typed string) error {
	addr, _ := newAddress(typed)
	if addr.norm != u.email.norm {
		return web.Invalid(web.Field{Field: "email", Code: "different", Message: "Type the address of this user."})
	}
	if onMachine(tx.Context()) {
		return nil
	}
	has, _, err := held(tx, web.IdentityOf(tx.Context()), "")
	if err == nil && !can(has, "*") {
		err = web.Forbidden("*")
	}
	return err
}

// keepOperator refuses what would leave no operator who can sign in. Of two at
// once that each leave the other, the second finds itself alone.
func keepOperator(tx *store.Tx, userID string) error {
	last, err := lastOperator(tx, userID)
	if err == nil && last {
		err = errLastOne
	}
	return err
}
