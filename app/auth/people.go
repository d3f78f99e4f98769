package auth

import (
	"context"
	"errors"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// What the command line does with people, on the machine itself.

// AddOperator makes a user with every permission.
func (s *System) AddOperator(ctx context.Context, name, email, password string) (id string, err error) {
	person, err := s.checkNewUser(ctx, signUpInput{Name: name, Email: email, Password: password})
	if err != nil {
		return "", err
	}
	verify := newToken()
	return store.Write(ctx, s.DB, func(tx *store.Tx) (id string, err error) {
		err = s.addOperator(tx, person, verify, func(u user, _ string) error { id = u.id; return nil })
		return id, err
	})
}

// Promote gives the user who has verified an address, or else the newest who
// claims it, every permission.
func (s *System) Promote(ctx context.Context, email string) (id string, err error) {
	return s.withUser(ctx, email, func(tx *store.Tx, u user) error {
		if done, err := isOperator(tx, u.id); err != nil || done {
			return err
		}
		if err := bindRole(tx, u.id, "", "rol_operator"); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actOperatorMade, Targets: []audit.Ref{audit.User(u.id)}})
	})
}

// SignOut ends every session of a user.
func (s *System) SignOut(ctx context.Context, email string) (id string, err error) {
	return s.withUser(ctx, email, func(tx *store.Tx, u user) error {
		_, err := s.revokeAll(tx, u.id, "signed out by the operator")
		return err
	})
}

// ResetLink makes a link to choose a new password, for an operator who is locked out.
func (s *System) ResetLink(ctx context.Context, email string) (string, error) {
	t := newToken()
	_, err := s.withUser(ctx, email, func(tx *store.Tx, u user) error {
		if err := offerReset(tx, u, t); err != nil {
			return err
		}
		return s.Audit.Record(tx, audit.Event{Action: actResetAsked, Targets: []audit.Ref{audit.User(u.id)}})
	})
	return s.resetURL(t), err
}

func (s *System) withUser(ctx context.Context, email string, fn func(*store.Tx, user) error) (id string, err error) {
	addr, ok := newAddress(email)
	if !ok {
		return "", web.Invalid(web.Field{Field: "email", Code: "email", Message: "This does not look like an email address."})
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (string, error) {
		u, err := owner(tx, addr.norm)
		if isNotFound(err) {
			u, err = newestClaim(tx, addr.norm)
		}
		if isNotFound(err) {
			return "", errors.New("nobody has the address " + addr.typed)
		}
		if err != nil {
			return "", err
		}
		return u.id, fn(tx, u)
	})
}
