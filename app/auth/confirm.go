package auth

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/auth/guess"
	"seaworthy/app/web"
	"seaworthy/store"
)

// errWeak is web.ErrStale for whoever has a second factor: nothing less confirms
// him (RFC 9470 section 3).
var errWeak = &web.Error{Status: web.ErrStale.Status, Code: web.ErrStale.Code, Instead: web.ErrStale.Instead, Public: web.ErrStale.Public,
	Challenge: fmt.Sprintf(`Bearer error="insufficient_user_authentication", error_description="Confirm who you are first", acr_values="aal2", max_age="%d"`,
		int(web.Freshness.Seconds()))}

// Confirmed implements web.Guard: what is dangerous is for people who have shown
// lately who they are (step-up, RFC 9470), and for nobody in their place. Whoever
// has a second factor must have shown it: neither a session of one factor counts,
// nor that the device is trusted (spec/auth.md attack 17).
func (s *System) Confirmed(ctx context.Context, id web.Identity) error {
	if id.Impersonator != "" {
		return errImpersonating
	}
	stale := s.DB.Now().Sub(id.Proven) > web.Freshness
	return s.DB.Read(ctx, func(tx *store.Tx) error {
		has, err := hasFactor(tx, id.User)
		if err != nil {
			return err
		}
		if !has {
			if stale {
				return web.ErrStale
			}
			return nil
		}
		se, err := sessionByID(tx, id.Session)
		if err != nil {
			return err
		}
		if stale || se.aal < 2 || !multi(se.amr) {
			return errWeak
		}
		return nil
	})
}

// strengthen makes a session one whose user has shown a second factor just now.
func (s *System) strengthen(tx *store.Tx, session, amr string) error {
	se, err := sessionByID(tx, session)
	if err != nil {
		return err
	}
	return strengthenSession(tx, session, joinAMR(se.amr, amr))
}

// ways are how a user can confirm who he is: with a second factor if he has one,
// else with the password; who has neither, as after a sign-in by another site,
// with a code that goes to his address.
func (s *System) ways(tx *store.Tx, u user) ([]string, error) {
	second, err := s.secondMethods(tx, u.id)
	switch {
	case err != nil || len(second) > 0:
		return second, err
	case u.phc != "":
		return []string{methodPassword}, nil
	case u.verified:
		return []string{methodEmail}, nil
	}
	return nil, nil
}

type confirmInput struct {
	Method   string `json:"method,omitempty" doc:"password if left out; GET /-/api/v1/confirm lists the ways there are"`
	Password string `json:"password,omitempty" doc:"Of the method password"`
	Code     string `json:"code,omitempty" doc:"Of the other methods"`
	Next     string `json:"next,omitempty" doc:"Page to come back to"`
}

// errConfirm is the one answer to a password that fails. It is no 401: who asks is
// known, and stays signed in.
var errConfirm = web.Invalid(web.Field{Field: "password", Code: "credentials", Message: "This is not your password."})

// errWay is for a proof that is not enough, or not there.
var errWay = web.Invalid(web.Field{Field: "method", Code: "unavailable", Message: "You cannot confirm who you are in this way."})

// confirmBy has whoever is signed in show once more who he is.
func (s *System) confirmBy(ctx context.Context, in confirmInput) error {
	id := web.IdentityOf(ctx)
	if id.Impersonator != "" {
		return errImpersonating
	}
	if in.Method == "" {
		in.Method = methodPassword
	}
	if wait, ok := s.Limiter.Allow("confirm "+id.User, perAccount); !ok {
		return web.TooMany(wait)
	}
	u, err := store.Read(ctx, s.DB, func(tx *store.Tx) (user, error) {
		u, err := userByID(tx, id.User)
		if err != nil {
			return u, err
		}
		return u, s.canConfirm(tx, u, in.Method)
	})
	if err != nil {
		return err
	}
	match := false
	if in.Method == methodPassword && guess.Fits(in.Password) {
		if match, err = s.Hasher.Verify(ctx, u.phc, in.Password); err != nil {
			return err
		}
	}
	held, err := store.Write(ctx, s.DB, func(tx *store.Tx) (bool, error) { return s.confirmed(tx, u, in, match) })
	switch {
	case err != nil || held:
		return err
	case in.Method == methodPassword:
		return errConfirm
	}
	return errCode
}

func (s *System) canConfirm(tx *store.Tx, u user, method string) error {
	can, err := s.ways(tx, u)
	if err == nil && !slices.Contains(can, method) {
		err = errWay
	}
	return err
}

// confirmed ends a confirmation: it counts if it held, and is recorded either
// way. A password holds no longer if it changed meanwhile, or if a second factor
// came.
func (s *System) confirmed(tx *store.Tx, was user, in confirmInput, match bool) (held bool, err error) {
	id := web.IdentityOf(tx.Context())
	u, err := userByID(tx, id.User)
	if err != nil {
		return false, err
	}
	if err := s.canConfirm(tx, u, in.Method); err != nil {
		return false, err
	}
	occasion, amr := "confirm "+id.Session, ""
	switch in.Method {
	case methodPassword:
		held = match && u.phc == was.phc
	case methodEmail:
		held, err = s.useSent(tx, u.id, occasion, plainCode(in.Code))
	default:
		amr, held, err = s.showSecond(tx, u, secondStep{in.Method, in.Code}, occasion)
	}
	if err != nil {
		return false, err
	}
	act := actConfirmRefused
	if held {
		act = actConfirmed
		if amr == "" {
			err = confirmSession(tx, id.Session)
		} else {
			err = s.strengthen(tx, id.Session, amr)
		}
		if err != nil {
			return false, err
		}
	}
	return held, s.Audit.Record(tx, audit.Event{Action: act, Targets: []audit.Ref{{Type: "session", ID: id.Session}, audit.User(id.User)},
		Details: map[string]any{"method": in.Method}})
}

// perCode bounds how many codes one person can have sent.
var perCode = web.Limit{Every: 2 * time.Minute, Burst: 5}

// sendConfirmCode sends whoever is signed in a code to confirm with.
func (s *System) sendConfirmCode(ctx context.Context, method string) error {
	id := web.IdentityOf(ctx)
	if id.Impersonator != "" {
		return errImpersonating
	}
	if method != methodEmail && method != string(smsFactor) {
		return errWay
	}
	if wait, ok := s.Limiter.Allow("code "+id.User, perCode); !ok {
		return web.TooMany(wait)
	}
	code := newSentCode()
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		u, err := userByID(tx, id.User)
		if err != nil {
			return err
		}
		if err := s.canConfirm(tx, u, method); err != nil {
			return err
		}
		if method == methodEmail {
			return s.mailCode(tx, u, "confirm "+id.Session, code)
		}
		f, err := phoneOf(tx, u.id)
		if err != nil {
			return err
		}
		return s.sendText(tx, f, "confirm "+id.Session, code)
	})
}

// confirmMethods is what the API says of how one can confirm who one is.
type confirmMethods struct {
	Methods []string `json:"methods"` // totp, sms, recovery; or password; or email
}

func (s *System) confirmMethodsAPI(w http.ResponseWriter, r *http.Request) error {
	data, err := s.confirmData(r.Context(), "", "", false)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, confirmMethods{Methods: append([]string{}, data.Methods...)})
}
