package auth

import (
	"seaworthy/app/audit"
	"seaworthy/store"
)

// openers are everything that can open an account or act for it, each with what
// ends it. Whatever is added to an account that proves who somebody is (a second
// factor, a passkey, recovery codes) belongs in this list: what is missing here
// stays in the hands of whoever made the account with another's address.
var openers = []struct {
	what string
	drop func(tx *store.Tx, userID string) (int64, error)
}{
	{"password", dropPassword},
	{"identities", dropIdentities},
	{"factors", dropFactors},
	{"keys", dropKeys},
	{"pending_tokens", dropPending}, // recovery codes too
	{"trusted_devices", dropTrust},
}

// seize hands an account to the proven owner of an address that it only claimed:
// whoever made it is left with nothing that opens it (spec/auth.md 1.1, and
// section 5, cases 1 and 2). The account keeps its name and its data; linking
// the owner's identity and marking the address verified come after.
func (s *System) seize(tx *store.Tx, u user, method string) error {
	details := map[string]any{"method": method}
	for _, o := range openers {
		n, err := o.drop(tx, u.id)
		if err != nil {
			return err
		}
		if n > 0 {
			details[o.what] = n
		}
	}
	if _, err := s.revokeAll(tx, u.id, "the owner of the address took the account over"); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actSeized, Actor: audit.User(u.id), Targets: []audit.Ref{audit.User(u.id)},
		Subject: audit.User(u.id), Details: details, Personal: map[string]string{"email": u.email.typed}})
}
