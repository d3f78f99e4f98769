package auth

import (
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/app/web"
	"seaworthy/store"
)

// factorKind is what a second factor is.
type factorKind string

const (
	totpFactor factorKind = "totp" // an authenticator app
	smsFactor  factorKind = "sms"  // a phone that gets texts
)

// factor is a row of auth_factor: something its user has besides what proves the
// first step. It proves nothing until it is confirmed.
type factor struct {
	id, user, label string
	kind            factorKind
	secret          []byte // sealed for the id: the seed of TOTP, the number of a phone
	confirmed       bool
	created, used   time.Time // used is zero for never
}

const (
	pendingFactor = 15 * time.Minute // to confirm a new one
	maxFactors    = 10               // of one person
	maxLabel      = 60               // characters
)

// name says which factor it is, for people.
func (f factor) name() string {
	switch f.kind {
	case totpFactor:
		return "Authenticator app " + f.label
	case smsFactor:
		return "Texts to " + f.label
	}
	return f.label
}

// secretOf opens what a factor keeps.
func (s *System) secretOf(f factor) (string, error) {
	secret, err := s.Master.Open("auth factor", f.id, f.secret)
	return string(secret), err
}

// confirmFactor makes a pending factor count. What holds of its user's sessions
// changes with it: this one has just been proved with it, and every other one is
// weaker than its user can make it.
func (s *System) confirmFactor(tx *store.Tx, u user, f factor, label string, codes recoveryCodes) (made bool, err error) {
	others, err := factors(tx, u.id)
	if err != nil {
		return false, err
	}
	if len(others) >= maxFactors {
		return false, errManyFactors
	}
	if err := markConfirmed(tx, f.id, label); err != nil {
		return false, err
	}
	f.label = label
	if _, err := forgetDevices(tx, u.id); err != nil {
		return false, err
	}
	if len(others) == 0 {
		made = true
		if err := weakenSessions(tx, u.id); err != nil {
			return false, err
		}
		if err := s.keepRecovery(tx, u.id, codes); err != nil {
			return false, err
		}
	}
	if err := s.strengthen(tx, web.IdentityOf(tx.Context()).Session, f.kind.amr()); err != nil {
		return false, err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actFactorAdded, Targets: f.targets(), Details: map[string]any{"kind": string(f.kind)}}); err != nil {
		return false, err
	}
	return made, s.tellFactor(tx, u, "auth/factor_added", f.name())
}

var errManyFactors = web.Invalid(web.Field{Field: "code", Code: "too_many", Message: "You have as many second steps as anybody can. Remove one first."})

// removeFactor ends a factor of a user; store.ErrNotFound for one that is not his.
// Without any, nothing of the second step is left: neither recovery codes nor
// sign-ins that wait for it, nor sessions that count as strong.
func (s *System) removeFactor(tx *store.Tx, u user, id string) error {
	f, err := factorByID(tx, u.id, id)
	if err != nil {
		return err
	}
	if err := deleteFactor(tx, u.id, id); err != nil || !f.confirmed {
		return err
	}
	if err := s.afterRemoval(tx, u.id); err != nil {
		return err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actFactorRemoved, Targets: f.targets(), Details: map[string]any{"kind": string(f.kind)}}); err != nil {
		return err
	}
	return s.tellFactor(tx, u, "auth/factor_removed", f.name())
}

func (s *System) afterRemoval(tx *store.Tx, userID string) error {
	if _, err := forgetDevices(tx, userID); err != nil {
		return err
	}
	if err := voidTokens(tx, userID, forMFA); err != nil {
		return err
	}
	left, err := factors(tx, userID)
	if err != nil || len(left) > 0 {
		return err
	}
	if err := voidTokens(tx, userID, forRecovery); err != nil {
		return err
	}
	return weakenSessions(tx, userID)
}

// resetFactors takes every second factor from a user who has lost them all. Who
// may do so, and how he made sure who asks, is the caller's to know.
func (s *System) resetFactors(tx *store.Tx, userID, reason string) error {
	u, err := userByID(tx, userID)
	if err != nil {
		return err
	}
	if _, err := dropFactors(tx, userID); err != nil {
		return err
	}
	if err := s.afterRemoval(tx, userID); err != nil {
		return err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actFactorReset, Targets: []audit.Ref{audit.User(userID)},
		Details: map[string]any{"reason": reason}}); err != nil {
		return err
	}
	return s.tellFactor(tx, u, "auth/factor_reset", "")
}

func (f factor) targets() []audit.Ref {
	return []audit.Ref{{Type: "factor", ID: f.id}, audit.User(f.user)}
}

// tellFactor mails a user what changed about the second step: somebody else may
// have done it.
func (s *System) tellFactor(tx *store.Tx, u user, template, name string) error {
	vars := map[string]string{"Name": u.name, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"), "URL": s.URL + "/-/account/security"}
	if template != "auth/factor_reset" { // which is somebody else's doing
		vars["Device"] = deviceLabel(web.OriginOf(tx.Context()).UserAgent)
	}
	if name != "" {
		vars["Factor"] = name
	}
	_, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: template, User: u.id, Vars: vars})
	return err
}
