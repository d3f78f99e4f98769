package auth

import (
	"time"

	"seaworthy/store"
)

// Credential is something besides the password by which a user can sign in, as
// the console shows it.
type Credential struct {
	Kind  string // "Second step", "Signs in with", "Trusted device"
	Label string
	Until time.Time // when it stops counting; zero: never
}

// credentialsOf are the second factors of a user, what stands in for one, and the
// accounts elsewhere that open this one.
func credentialsOf(tx *store.Tx, userID string) (all []Credential, err error) {
	second, err := factors(tx, userID)
	if err != nil {
		return nil, err
	}
	for _, f := range second {
		all = append(all, Credential{Kind: "Second step", Label: f.name()})
	}
	elsewhere, err := identitiesOf(tx, userID)
	if err != nil {
		return nil, err
	}
	for _, i := range elsewhere {
		all = append(all, Credential{Kind: "Signs in with", Label: i.provider + " " + i.email})
	}
	devices, err := trustedDevices(tx, userID)
	for _, d := range devices {
		all = append(all, Credential{Kind: "Trusted device", Label: d.label, Until: d.until})
	}
	return all, err
}
