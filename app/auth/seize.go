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
	{"pending_tokens", voidAllTokens}, // recovery codes too
	{"trusted_devices", forgetDevices},
	{"devices", dropKnownDevices}, // guesses from one that is known are not counted as a stranger's
}

// seize hands an account to the proven owner of an address that it only claimed:
// whoever made it is left with nothing that opens it (spec/auth.md 1.1, and
// section 5, cases 1 and 2). The account keeps its name and its data; linking
// the owner's identity and marking the address verified come after.
func (s *System) seize(tx *store.Tx, u user, method string) error {
	details, err := dispossess(tx, u.id)
	if err != nil {
		return err
	}
	details["method"] = method
	if _, err := s.revokeAll(tx, u.id, "the owner of the address took the account over"); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actSeized, Actor: audit.User(u.id), Targets: []audit.Ref{audit.User(u.id)},
		Subject: audit.User(u.id), Details: details, Personal: map[string]string{"email": u.email.typed}})
}

// dispossess takes everything that opens an account, and says how much of what.
func dispossess(tx *store.Tx, userID string) (took map[string]any, err error) {
	took = map[string]any{}
	for _, o := range openers {
		n, err := o.drop(tx, userID)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			took[o.what] = n
		}
	}
	return took, nil
}

// evict has a new password be the only thing that opens an account which was not
// verified before: what somebody else may have put there goes, with an event if
// there was any.
func (s *System) evict(tx *store.Tx, u user) error {
	took, err := dispossess(tx, u.id)
	delete(took, "password")
	delete(took, "pending_tokens")
	delete(took, "devices") // everybody has one
	if err != nil || len(took) == 0 {
		return err
	}
	took["method"] = "password_reset"
	return s.Audit.Record(tx, audit.Event{Action: actSeized, Actor: audit.User(u.id), Targets: []audit.Ref{audit.User(u.id)},
		Subject: audit.User(u.id), Details: took, Personal: map[string]string{"email": u.email.typed}})
}
