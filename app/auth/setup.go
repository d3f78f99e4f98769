package auth

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// SetupLink returns a new one-time link that makes the first operator, or "" when
// there is an operator. Earlier links stop working.
func (s *System) SetupLink(ctx context.Context) (string, error) {
	t := newToken()
	done, err := store.Read(ctx, s.DB, hasOperator)
	if err != nil || done {
		return "", err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := voidSetup(tx); err != nil {
			return err
		}
		return issue(tx, t, oneTime{purpose: forSetup})
	})
	return s.URL + "/-/setup?token=" + string(t), err
}

type setupInput struct {
	Token    string `json:"token"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Password string `json:"password"`
}

type setupData struct{ Token string }

func (s *System) setupPage(w http.ResponseWriter, r *http.Request) error {
	t := token(r.URL.Query().Get("token"))
	if _, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (oneTime, error) { return peek(tx, t, forSetup) }); err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/setup", web.View{Title: "Make the first operator", Data: setupData{string(t)}})
}

func (s *System) setupForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[setupInput](r)
	if err != nil {
		return err
	}
	if _, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (oneTime, error) { return peek(tx, token(in.Token), forSetup) }); err != nil {
		return err
	}
	n := newSessionFor(r, s.Secure)
	if err := s.setUp(r.Context(), in, n); err != nil {
		return s.again(w, r, "auth/setup", web.View{Title: "Make the first operator", Data: setupData{in.Token}},
			map[string]string{"name": in.Name, "email": in.Email}, err)
	}
	s.setCookies(w, r, n)
	return web.SeeOther(w, r, "/-/admin/welcome")
}

// setUp makes the first operator. Of two at once one wins: the token is used up
// in the same transaction.
func (s *System) setUp(ctx context.Context, in setupInput, n newSession) error {
	person, err := s.checkNewUser(ctx, signUpInput{Name: in.Name, Email: in.Email, Password: in.Password})
	if err != nil {
		return err
	}
	verify := newToken()
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := consume(tx, token(in.Token), forSetup); err != nil {
			return err
		}
		if done, err := hasOperator(tx); err != nil || done {
			return firstError(err, errLink)
		}
		return s.addOperator(tx, person, verify, func(u user, org string) error {
			_, err := s.start(tx, n, u, org, byPassword)
			return err
		})
	})
}

// addOperator makes a user with every permission in the whole instance.
func (s *System) addOperator(tx *store.Tx, person newUser, verify token, then func(u user, org string) error) error {
	if _, err := owner(tx, person.email.norm); err == nil {
		return web.Invalid(web.Field{Field: "email", Code: "taken", Message: "An account has this address already."})
	} else if !isNotFound(err) {
		return err
	}
	u, org, err := s.addUser(tx, person, verify)
	if err != nil {
		return err
	}
	if err := bindRole(tx, u.id, "", "rol_operator"); err != nil {
		return err
	}
	if err := then(u, org); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actOperatorMade, Actor: actorOr(tx, u.id), Targets: []audit.Ref{audit.User(u.id)},
		Subject: audit.User(u.id), Personal: map[string]string{"email": u.email.typed, "name": u.name}})
}
