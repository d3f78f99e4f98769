package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// A sign-in whose first step is proved waits for the second as a one-time token:
// in a cookie of the browser that began it, or with the program that did. It is
// no session and opens nothing.
const (
	mfaTries  = 5
	trustLife = 30 * 24 * time.Hour
)

// perSecondStep bounds guesses at the second step of one account, over all
// sign-ins: three codes of a million count at a time.
var perSecondStep = web.Limit{Every: 3 * time.Minute, Burst: 10}

// errPending is the answer to a sign-in that waits no longer, whatever the reason.
var errPending = &web.Error{Status: http.StatusUnauthorized, Code: "mfa_expired", Public: "This sign-in took too long or too many tries. Begin again."}

// errCode is the answer to a code that does not count.
var errCode = web.Invalid(web.Field{Field: "code", Code: "credentials", Message: "This code does not work. Each works once, and only for a short time."})

// pending is what a waiting sign-in hangs on.
type pending struct {
	oneTime
	user  user
	proof proof
}

// demand begins the wait for the second step.
func (s *System) demand(tx *store.Tx, n newSession, u user, p proof) (entry, error) {
	methods, err := s.secondMethods(tx, u.id)
	if err != nil {
		return entry{}, err
	}
	epoch, phc, err := basis(tx, u.id)
	if err != nil {
		return entry{}, err
	}
	if err := issue(tx, n.pending, oneTime{purpose: forMFA, user: u.id, payload: map[string]string{"kind": string(n.kind),
		"method": p.method, "amr": p.amr, "epoch": strconv.FormatInt(epoch, 10), "password": fingerprint(phc)}}); err != nil {
		return entry{}, err
	}
	return entry{methods: methods}, s.Audit.Record(tx, audit.Event{Action: actMFAAsked, Actor: audit.User(u.id), Targets: []audit.Ref{audit.User(u.id)},
		Details: map[string]any{"method": p.method}, Personal: map[string]string{"email": u.email.typed}})
}

// fingerprint tells whether a password is still the same.
func fingerprint(phc string) string {
	sum := sha256.Sum256([]byte(phc))
	return hex.EncodeToString(sum[:8])
}

// waiting reads a sign-in that waits, without counting a try.
func (s *System) waiting(tx *store.Tx, t token, kind sessionKind) (pending, error) {
	o, err := peek(tx, t, forMFA)
	if errors.Is(err, errLink) {
		err = errPending
	}
	if err != nil {
		return pending{}, err
	}
	return s.stillPending(tx, o, kind)
}

// stillPending holds a waiting sign-in against how things are: it has ended with
// the account, its sessions or its password (spec/auth.md attack 35).
func (s *System) stillPending(tx *store.Tx, o oneTime, kind sessionKind) (pending, error) {
	epoch, phc, err := basis(tx, o.user)
	if isNotFound(err) {
		return pending{}, errPending
	}
	if err != nil {
		return pending{}, err
	}
	if o.payload["kind"] != string(kind) || o.payload["epoch"] != strconv.FormatInt(epoch, 10) || o.payload["password"] != fingerprint(phc) {
		return pending{}, errPending
	}
	u, err := userByID(tx, o.user)
	return pending{oneTime: o, user: u, proof: proof{method: o.payload["method"], amr: o.payload["amr"]}}, err
}

// secondStep is what is shown as the second step.
type secondStep struct {
	Method string `json:"method"`
	Code   string `json:"code"`
}

// finish ends a sign-in that waited: with its session, or with a refusal that is
// recorded. Of many at once with one code, one gets a session.
func (s *System) finish(ctx context.Context, t token, n newSession, in secondStep, trust bool) (entry, error) {
	p, err := store.Read(ctx, s.DB, func(tx *store.Tx) (pending, error) { return s.waiting(tx, t, n.kind) })
	if err != nil {
		return entry{}, err
	}
	if wait, ok := s.Limiter.Allow("second step "+p.oneTime.user, perSecondStep); !ok {
		return entry{}, web.TooMany(wait)
	}
	e, err := store.Write(ctx, s.DB, func(tx *store.Tx) (entry, error) {
		o, err := readOneTime(try(tx, t.hash(), forMFA, mfaTries))
		if errors.Is(err, errLink) {
			return entry{}, errPending
		}
		if err != nil {
			return entry{}, err
		}
		p, err := s.stillPending(tx, o, n.kind)
		if err != nil {
			return entry{}, err
		}
		amr, held, err := s.showSecond(tx, p.user, in, "sign-in "+string(t))
		if err != nil {
			return entry{}, err
		}
		if !held {
			return entry{}, s.refuseSecond(tx, p, in.Method)
		}
		if _, err := consume(tx, t, forMFA); err != nil {
			return entry{}, err
		}
		return s.admitted(tx, n, p, in.Method, amr, trust)
	})
	if err == nil && e.nowhere() {
		err = errCode
	}
	return e, err
}

// admitted starts the session of a user who has proved both steps.
func (s *System) admitted(tx *store.Tx, n newSession, p pending, method, amr string, trust bool) (entry, error) {
	e, err := s.enter(tx, n, p.user, proof{method: p.proof.method + "+" + method, amr: joinAMR(p.proof.amr, amr)})
	if err != nil || !trust || n.kind != browserSession || e.session == "" { // no session, no device: it waits to be kept
		return e, err
	}
	device, err := trustDevice(tx, n.device.hash(), p.user.id, tx.Now().Add(trustLife))
	if err != nil {
		return e, err
	}
	return e, s.Audit.Record(tx, audit.Event{Action: actDeviceTrusted, Actor: audit.User(p.user.id),
		Targets: []audit.Ref{{Type: "device", ID: device}, audit.User(p.user.id)}})
}

// refuseSecond records a refusal. Whoever fails at the second step to the end knows
// the first, which the user should hear of.
func (s *System) refuseSecond(tx *store.Tx, p pending, method string) error {
	if err := s.Audit.Record(tx, audit.Event{Action: actMFARefused, Targets: []audit.Ref{audit.User(p.user.id)}, Subject: audit.User(p.user.id),
		Details: map[string]any{"method": method, "try": p.tries}, Personal: map[string]string{"email": p.user.email.typed}}); err != nil {
		return err
	}
	if p.tries < mfaTries {
		return nil
	}
	o := web.OriginOf(tx.Context())
	_, err := s.Mail.Send(tx, email.Message{To: p.user.email.typed, Template: "auth/mfa_refused", User: p.user.id, Vars: map[string]string{
		"Name": p.user.name, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"), "Device": deviceLabel(o.UserAgent), "Address": o.Addr.String(), "URL": s.URL + "/-/forgot"}})
	return err
}

// The ways to show a second step besides a factor's own kind.
const (
	methodRecovery = "recovery"
	methodPassword = "password"
	methodEmail    = "email"
)

// secondMethods are how a user can show a second step: what each factor is, and recovery
// codes. E-mail is none, since it may have been the first (spec/auth.md attack 14).
func (s *System) secondMethods(tx *store.Tx, userID string) ([]string, error) {
	has, err := factors(tx, userID)
	if err != nil || len(has) == 0 {
		return nil, err
	}
	var all []string
	for _, kind := range []factorKind{totpFactor, smsFactor} {
		if slices.ContainsFunc(has, func(f factor) bool { return f.kind == kind }) && (kind != smsFactor || s.Texts != nil) {
			all = append(all, string(kind))
		}
	}
	return append(all, methodRecovery), nil
}

// showSecond reports whether a user has shown a second step, and its RFC 8176
// values. What it took is used up. A text's code is that of one occasion.
func (s *System) showSecond(tx *store.Tx, u user, in secondStep, occasion string) (amr string, held bool, err error) {
	code := plainCode(in.Code)
	switch in.Method {
	case string(totpFactor):
		all, err := factors(tx, u.id)
		if err != nil {
			return "", false, err
		}
		for _, f := range all {
			if f.kind != totpFactor {
				continue
			}
			if held, err = s.useTOTP(tx, f, code); held || err != nil {
				return totpFactor.amr(), held, err
			}
		}
	case string(smsFactor):
		if held, err = s.useSent(tx, u.id, occasion, code); err != nil || !held {
			return "", false, err
		}
		f, err := phoneOf(tx, u.id) // none any more: the code went to one that was removed
		if isNotFound(err) {
			return "", false, nil
		}
		if err == nil {
			err = touchFactor(tx, f.id)
		}
		return smsFactor.amr(), err == nil, err
	case methodRecovery:
		held, err = s.useRecovery(tx, u, code)
		return "otp mfa", held, err
	}
	return "", false, nil
}
