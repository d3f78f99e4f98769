package auth

import (
	"context"
	"net/http"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth/guess"
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

// perAccount bounds guesses at one account, from all devices where it is not known.
var perAccount = web.Limit{Every: time.Minute, Burst: 10}

// signIn checks a password and starts a session, whose id it returns.
//
// Two accounts can answer to an address: the newest that claims it without proof
// and the one that has verified it. A failure costs exactly two hashes and one
// audit event in every case, so that neither the words nor the time of the
// answer tell whether an address is known.
func (s *System) signIn(ctx context.Context, in loginInput, n newSession) (entry, error) {
	addr, ok := newAddress(in.Email)
	if !ok || !guess.Fits(in.Password) {
		return entry{}, errCredentials
	}
	var candidates [2]user
	known := false
	if err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if candidates[0], err = newestClaim(tx, addr.norm); err != nil && !isNotFound(err) {
			return err
		}
		if candidates[1], err = owner(tx, addr.norm); err != nil && !isNotFound(err) {
			return err
		}
		for _, u := range candidates { // twice in any case, so that it takes the same time
			used, err := hasUsed(tx, u.id, n.device.hash())
			if err != nil {
				return err
			}
			if u.id != "" { // the owner comes last and decides: whoever only claims the address is not known by that
				known = used
			}
		}
		return nil
	}); err != nil {
		return entry{}, err
	}
	if err := s.mayGuess(ctx, addr, n.device, known); err != nil {
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
		if match && u.mayEnter() {
			e, err := s.admitUser(ctx, u, in.Password, n)
			if err == nil && (u.verified || candidates[1].id == "") {
				s.throttle.succeeded(s.DB.Now(), addr.norm, web.OriginOf(ctx).Addr)
			}
			return e, err
		}
	}
	return entry{}, s.refuse(ctx, addr, candidates, known)
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
		if !now.mayEnter() || now.phc != u.phc {
			return entry{}, errCredentials
		}
		if phc != u.phc {
			if err := rehash(tx, u.id, phc); err != nil {
				return entry{}, err
			}
		}
		return s.welcome(tx, n, now, byPassword)
	})
}

func (s *System) refuse(ctx context.Context, addr address, candidates [2]user, known bool) error {
	e := audit.Event{Action: actSignInRefused, Details: map[string]any{"method": "password"}, Personal: map[string]string{"email": addr.typed}}
	for _, u := range candidates {
		if u.id != "" {
			e.Targets = append(e.Targets, audit.User(u.id))
			e.Subject = audit.User(u.id)
		}
	}
	var v verdict
	if !known { // its owner may mistype without locking others out, himself elsewhere among them
		v = s.throttle.failed(s.DB.Now(), addr.norm, web.OriginOf(ctx).Addr)
	}
	if err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.Audit.Record(tx, e); err != nil {
			return err
		}
		return s.warn(tx, v)
	}); err != nil {
		return err
	}
	return errCredentials
}

// warn tells the operators, in the log that they read, of what is more than
// somebody who has forgotten a password.
func (s *System) warn(tx *store.Tx, v verdict) error {
	if v.spraying {
		if err := s.Audit.Record(tx, audit.Event{Action: actSpraying, Actor: audit.Ref{Type: "system", ID: "auth"}, Details: map[string]any{"accounts": v.accounts}}); err != nil {
			return err
		}
	}
	if !v.surge {
		return nil
	}
	tx.AfterCommit(func() {
		s.Log.Warn("far more sign-ins than usual are refused", "refusals", surgeRefusals, "within", surgeTime)
	})
	return s.Audit.Record(tx, audit.Event{Action: actFlood, Actor: audit.Ref{Type: "system", ID: "auth"}, Details: map[string]any{"refusals": surgeRefusals}})
}

func (s *System) loginPage(w http.ResponseWriter, r *http.Request) error {
	data := next(r)
	data.Email = s.EmailSignIn
	if web.IdentityOf(r.Context()).Person() {
		return web.SeeOther(w, r, web.LocalPath(data.Next, "/"))
	}
	if s.resume(w, r) {
		return web.SeeOther(w, r, "/-/admin/users")
	}
	switch r.URL.Query().Get("notice") {
	case "reset":
		data.Notice = "Your password was changed. Sign in with the new one."
	case "mfa":
		data.Notice = errPending.Public
	case "out":
		data.Notice = "You are signed out."
	case "kept":
		data.Notice = "Your account stays. Sign in to go on."
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
		return s.again(w, r, "auth/login", web.View{Title: "Sign in", Data: nextData{Next: web.LocalPath(in.Next, ""), Email: s.EmailSignIn}},
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
