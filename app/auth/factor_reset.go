package auth

import (
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email"
	"seaworthy/store"
)

// Credential is something besides the password by which a user can sign in, as
// the console shows it.
type Credential struct {
	Kind  string // "Trusted device"
	Label string
	Until time.Time // when it stops counting; zero: never
}

// credentialsOf are the second factors of a user, and what stands in for one.
func credentialsOf(tx *store.Tx, userID string) ([]Credential, error) {
	return trustedDevices(tx, userID)
}

// resetSecondFactors takes away what a user needs besides the password to sign
// in, for one who has lost it, and tells him: somebody may have talked an
// operator into it.
func (s *System) resetSecondFactors(tx *store.Tx, u user, reason string) error {
	if err := untrustDevices(tx, u.id); err != nil {
		return err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actFactorsReset, Targets: []audit.Ref{audit.User(u.id)}, Details: map[string]any{"reason": reason}}); err != nil {
		return err
	}
	_, err := s.Mail.Send(tx, email.Message{To: u.email.typed, Template: "auth/two_step_reset", User: u.id, Vars: map[string]string{
		"Name": u.name, "When": tx.Now().Format("2 Jan 2006, 15:04 UTC"), "URL": s.URL + "/-/account/security"}})
	return err
}
