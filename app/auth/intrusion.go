package auth

import (
	"strconv"
	"strings"
	"time"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// beforeChange is how long before a change of address an intruder may have
// prepared: its link works for as long after it was asked for.
const beforeChange = 24 * time.Hour

// undone is why what was added ends.
const undone = "the change of address was undone"

// intrusion is what was taken out of an account because it came while somebody
// else was in it.
type intrusion struct {
	factors, identities, keys int
	recovery, tokens, devices int64 // recovery codes and links that worked, and browsers that were known
}

// dislodge takes out of an account all that came since a time and opens it or acts
// for it. What was there before stays: whoever reads the mail of an address that
// its owner has left must not get past the owner's second step by it. Whatever can
// be added to an account that opens it belongs here, as it does in openers.
func (s *System) dislodge(tx *store.Tx, u user, since time.Time) (took intrusion, err error) {
	for _, part := range []func(*store.Tx, string, time.Time, *intrusion) error{s.dislodgeFactors, s.dislodgeIdentities, s.dislodgeKeys} {
		if err := part(tx, u.id, since, &took); err != nil {
			return took, err
		}
	}
	if took.devices, err = dropDevicesSince(tx, u.id, since); err != nil {
		return took, err
	}
	took.tokens, err = voidPending(tx, u.id)
	return took, err
}

// dislodgeFactors takes the second factors, and the recovery codes: those that were
// made since, and all when no factor is left that they stand in for.
func (s *System) dislodgeFactors(tx *store.Tx, userID string, since time.Time, took *intrusion) error {
	added, err := factorsSince(tx, userID, since)
	if err != nil {
		return err
	}
	for _, f := range added {
		if err := deleteFactor(tx, userID, f.id); err != nil {
			return err
		}
		if !f.confirmed {
			continue
		}
		took.factors++
		if err := s.Audit.Record(tx, audit.Event{Action: actFactorRemoved, Actor: actorOr(tx, userID), Targets: f.targets(),
			Details: map[string]any{"kind": string(f.kind), "reason": undone}}); err != nil {
			return err
		}
	}
	codes, err := livingTokens(tx, userID, forRecovery)
	if err != nil {
		return err
	}
	if err := voidSince(tx, userID, forRecovery, since); err != nil {
		return err
	}
	if err := s.afterRemoval(tx, userID); err != nil {
		return err
	}
	left, err := livingTokens(tx, userID, forRecovery)
	took.recovery = int64(codes - left)
	return err
}

func (s *System) dislodgeIdentities(tx *store.Tx, userID string, since time.Time, took *intrusion) error {
	all, err := identitiesOf(tx, userID)
	if err != nil {
		return err
	}
	for _, i := range all {
		if i.created.Before(since) {
			continue
		}
		took.identities++
		if err := deleteIdentity(tx, userID, i.id); err != nil {
			return err
		}
		if err := s.Audit.Record(tx, audit.Event{Action: actUnlinked, Actor: actorOr(tx, userID), Subject: audit.User(userID),
			Targets: []audit.Ref{{Type: "identity", ID: i.id}, audit.User(userID)},
			Details: map[string]any{"method": i.provider, "reason": undone}, Personal: map[string]string{"email": i.email}}); err != nil {
			return err
		}
	}
	return nil
}

// dislodgeKeys ends the keys of the personal org, and those of the whole instance
// that the user made. Keys of an org of several people are the org's.
func (s *System) dislodgeKeys(tx *store.Tx, userID string, since time.Time, took *intrusion) error {
	own, err := personalKeysSince(tx, userID, since)
	if err != nil {
		return err
	}
	for _, id := range own {
		k, err := anyKey(tx, id)
		if err != nil {
			return err
		}
		if err := s.endKey(tx, k); err != nil {
			return err
		}
	}
	n, err := s.endInstanceKeys(tx, "user:"+userID, since)
	took.keys = len(own) + n
	return err
}

func (i intrusion) details() map[string]any {
	all := map[string]any{}
	for what, n := range map[string]int64{"factors": int64(i.factors), "identities": int64(i.identities), "keys": int64(i.keys),
		"recovery_codes": i.recovery, "pending_tokens": i.tokens, "devices": i.devices} {
		if n > 0 {
			all[what] = n
		}
	}
	return all
}

// words say to the user what was taken out.
func (i intrusion) words() string {
	var all []string
	for _, part := range []struct {
		n        int
		one, few string
	}{{i.factors, "second step", "second steps"}, {int(i.recovery), "recovery code", "recovery codes"},
		{i.identities, "linked account", "linked accounts"}, {i.keys, "API key", "API keys"}, {int(i.devices), "known device", "known devices"}} {
		switch {
		case part.n == 1:
			all = append(all, "1 "+part.one)
		case part.n > 1:
			all = append(all, strconv.Itoa(part.n)+" "+part.few)
		}
	}
	if len(all) == 0 {
		return "Nothing else that opens the account had been added in the meantime."
	}
	return "What had been added since the day before the change was taken out: " + strings.Join(all, ", ") + ". Whatever of it was yours you can set up again."
}
