package auth

import (
	"context"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

type loginInput struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Next     string `json:"next,omitempty"`
}

// errCredentials is the one answer to a sign-in that fails, whatever the reason.
var errCredentials = &web.Error{Status: http.StatusUnauthorized, Code: "credentials",
	Public: "This address and password do not match an account."}

// perAccount bounds guesses at one account, wherever they come from.
var perAccount = web.Limit{Every: time.Minute, Burst: 10}

// signIn checks a password and starts a session, whose id it returns.
//
// Two accounts can answer to an address: the newest that claims it without proof
// and the one that has verified it. A failure costs exactly two hashes and one
// audit event in every case, so that neither the words nor the time of the
// answer tell whether an address is known.
func (s *System) signIn(ctx context.Context, in loginInput, n newSession) (entry, error) {
	addr, ok := newAddress(in.Email)
	if !ok || len(in.Password) > maxPassword {
		return entry{}, errCredentials
	}
	if wait, ok := s.Limiter.Allow("sign-in "+addr.norm, perAccount); !ok {
		return entry{}, web.TooMany(wait)
	}
	var candidates [2]user
	if err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if candidates[0], err = newestClaim(tx, addr.norm); err != nil && !isNotFound(err) {
			return err
		}
		if candidates[1], err = owner(tx, addr.norm); err != nil && !isNotFound(err) {
			return err
		}
		return nil
	}); err != nil {
		return entry{}, err
	}
	if candidates[0].id == "" { // a lone owner is tried first
		candidates[0], candidates[1] = candidates[1], candidates[0]
	}
	for _, u := range candidates {
		match, err := s.Hasher.Verify(ctx, u.phc, in.Password)
		if err != nil {
			return entry{}, err
		}
		if match && u.status == "active" {
			return s.admitUser(ctx, u, in.Password, n)
		}
	}
	return entry{}, s.refuse(ctx, addr, candidates)
}

// admitUser starts the session, if nothing about the account changed while the
// hash was computed.
func (s *System) admitUser(ctx context.Context, u user, password string, n newSession) (e entry, err error) {
	phc := u.phc
	if s.Hasher.Outdated(phc) {
		if phc, err = s.Hasher.Hash(ctx, password); err != nil {
			return e, err
		}
	}
	return store.Write(ctx, s.DB, func(tx *store.Tx) (entry, error) {
		now, err := userByID(tx, u.id)
		if err != nil {
			return entry{}, err
		}
		if now.status != "active" || now.phc != u.phc {
			return entry{}, errCredentials
		}
		if phc != u.phc {
			if err := setPassword(tx, u.id, phc); err != nil {
				return entry{}, err
			}
		}
		return s.welcome(tx, n, now, byPassword)
	})
}

func (s *System) refuse(ctx context.Context, addr address, candidates [2]user) error {
	e := audit.Event{Action: actSignInRefused, Details: map[string]any{"method": "password"}, Personal: map[string]string{"email": addr.typed}}
	for _, u := range candidates {
		if u.id != "" {
			e.Targets = append(e.Targets, audit.User(u.id))
			e.Subject = audit.User(u.id)
		}
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) error { return s.Audit.Record(tx, e) }); err != nil {
		return err
	}
	return errCredentials
}

func (s *System) loginPage(w http.ResponseWriter, r *http.Request) error {
	data := next(r)
	if web.IdentityOf(r.Context()).Person() {
		return web.SeeOther(w, r, web.LocalPath(data.Next, "/"))
	}
	if s.resume(w, r) {
		return web.SeeOther(w, r, "/-/admin/users")
	}
	switch r.URL.Query().Get("notice") {
	case "reset":
		data.Notice = "Your password was changed. Sign in with the new one."
	case "out":
		data.Notice = "You are signed out."
	}
	return s.Pages.Render(w, r, "auth/login", web.View{Title: "Sign in", Data: data})
}

func (s *System) loginForm(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[loginInput](r)
	if err != nil {
		return err
	}
	n := newSessionFor(r, s.Secure)
	e, err := s.signIn(r.Context(), in, n)
	if err != nil {
		return s.again(w, r, "auth/login", web.View{Title: "Sign in", Data: nextData{Next: web.LocalPath(in.Next, "")}},
			map[string]string{"email": in.Email}, err)
	}
	return s.arrive(w, r, n, e, in.Next)
}

// logoutForm ends this session. Whoever has none is signed out already.
func (s *System) logoutForm(w http.ResponseWriter, r *http.Request) error {
	if web.OriginOf(r.Context()).Bearer {
		return web.ErrPersonOnly
	}
	id := web.IdentityOf(r.Context())
	if id.Impersonator != "" {
		return s.stopForm(w, r) // back to being himself, not out
	}
	if id.Person() {
		if err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
			_, err := s.revoke(tx, id.User, id.Session, "signed out")
			return err
		}); err != nil {
			return err
		}
	}
	s.sessions.WriteSessionCookie(r.Context(), w, "", time.Time{})
	return web.SeeOther(w, r, "/-/login?notice=out")
}
