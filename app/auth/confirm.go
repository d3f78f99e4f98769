package auth

import (
	"context"
	"net/http"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Confirmed implements web.Guard: what is dangerous is for people who have shown
// lately who they are (step-up, RFC 9470), and for nobody in their place.
func (s *System) Confirmed(_ context.Context, id web.Identity) error {
	switch {
	case id.Impersonator != "":
		return errImpersonating
	case s.DB.Now().Sub(id.Proven) > web.Freshness:
		return web.ErrStale
	}
	return nil
}

// confirmData is what can be shown to confirm who one is.
type confirmData struct {
	Next     string
	Email    string
	Password bool // there is one
}

func (s *System) confirmData(ctx context.Context, next string) (confirmData, error) {
	id := web.IdentityOf(ctx)
	return store.Read(ctx, s.DB, func(tx *store.Tx) (confirmData, error) {
		u, err := userByID(tx, id.User)
		return confirmData{Next: web.LocalPath(next, "/-/account"), Email: u.email.typed, Password: u.phc != ""}, err
	})
}

func (s *System) confirmPage(w http.ResponseWriter, r *http.Request) error {
	if web.IdentityOf(r.Context()).Impersonator != "" {
		return errImpersonating
	}
	data, err := s.confirmData(r.Context(), r.URL.Query().Get("next"))
	if err != nil {
		return err
	}
	return s.Pages.Render(w, r, "auth/confirm", web.View{Title: "Confirm who you are", Data: data})
}

type confirmInput struct {
	Password string `json:"password"`
	Next     string `json:"next,omitempty"`
}

func (s *System) confirmForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[confirmInput](r)
	if err != nil {
		return err
	}
	if err := s.confirmByPassword(r.Context(), in.Password); err != nil {
		data, failed := s.confirmData(r.Context(), in.Next)
		if failed != nil {
			return failed
		}
		return s.again(w, r, "auth/confirm", web.View{Title: "Confirm who you are", Data: data}, nil, err)
	}
	return web.SeeOther(w, r, web.LocalPath(in.Next, "/-/account"))
}

func (s *System) confirmAPI(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[confirmInput](r)
	if err != nil {
		return err
	}
	if err := s.confirmByPassword(r.Context(), in.Password); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// errConfirm is the one answer to a confirmation that fails. It is no 401: who
// asks is known, and stays signed in.
var errConfirm = web.Invalid(web.Field{Field: "password", Code: "credentials", Message: "This is not your password."})

// confirmByPassword has whoever is signed in show the password again.
func (s *System) confirmByPassword(ctx context.Context, password string) error {
	id := web.IdentityOf(ctx)
	if id.Impersonator != "" {
		return errImpersonating
	}
	if wait, ok := s.Limiter.Allow("confirm "+id.User, perAccount); !ok {
		return web.TooMany(wait)
	}
	u, err := store.Read(ctx, s.DB, func(tx *store.Tx) (user, error) { return userByID(tx, id.User) })
	if err != nil {
		return err
	}
	match := false
	if len(password) <= maxPassword {
		if match, err = s.Hasher.Verify(ctx, u.phc, password); err != nil {
			return err
		}
	}
	return s.confirmed(ctx, match, u.phc, byPassword)
}

// confirmed ends a confirmation: it counts if it held, and is recorded either
// way. It holds no longer if the password changed meanwhile.
func (s *System) confirmed(ctx context.Context, held bool, phc string, p proof) error {
	id := web.IdentityOf(ctx)
	held, err := store.Write(ctx, s.DB, func(tx *store.Tx) (bool, error) {
		u, err := userByID(tx, id.User)
		if err != nil {
			return false, err
		}
		act, held := actConfirmRefused, held && u.phc == phc
		if held {
			act = actConfirmed
			if err := confirmSession(tx, id.Session); err != nil {
				return false, err
			}
		}
		return held, s.Audit.Record(tx, audit.Event{Action: act, Targets: []audit.Ref{{Type: "session", ID: id.Session}, audit.User(id.User)},
			Details: map[string]any{"method": p.method}})
	})
	if err == nil && !held {
		err = errConfirm
	}
	return err
}
