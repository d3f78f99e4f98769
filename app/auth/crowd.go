package auth

import (
	"fmt"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// Newcomer is somebody of whom a demonstration is made: as if he had signed up, confirmed his
// address and been signed in, without the mail and the hash that take the time.
type Newcomer struct {
	Name, Email string
	Hash        string // of the password, as Hasher.Hash makes it; "" for none
	Verified    bool

	session newSession
}

// NewNewcomer makes one, with the secrets of his browser: they are not made in a transaction.
func NewNewcomer(name, email, hash string, verified bool) Newcomer {
	return Newcomer{Name: name, Email: email, Hash: hash, Verified: verified, session: newSession{kind: browserSession, token: newToken(), device: newToken()}}
}

// AddNewcomer adds the user with address, personal org, device and session, and records what a
// sign-up records. Where he comes from is in the transaction's context.
func (s *System) AddNewcomer(tx *store.Tx, n Newcomer) (user string, err error) {
	addr, ok := newAddress(n.Email)
	if !ok {
		return "", fmt.Errorf("%q is no address", n.Email)
	}
	u, org, err := insertPerson(tx, newUser{name: n.Name, email: addr, phc: n.Hash})
	if err != nil {
		return "", err
	}
	id, err := s.start(tx, n.session, u, org, byPassword)
	if err != nil {
		return "", err
	}
	if err := s.Audit.Record(tx, audit.Event{Action: actSignedUp, Actor: audit.User(u.id), Targets: []audit.Ref{audit.User(u.id), {Type: "session", ID: id}}, Org: org,
		Personal: map[string]string{"email": addr.typed, "name": n.Name}}); err != nil || !n.Verified {
		return u.id, err
	}
	if err := markVerified(tx, u.id, addr.norm); err != nil {
		return u.id, err
	}
	return u.id, s.Audit.Record(tx, audit.Event{Action: actEmailVerified, Actor: audit.User(u.id), Targets: []audit.Ref{audit.User(u.id)}, Org: org})
}

// AddOrgOf adds a shared org for a demonstration: the first of its users owns it.
func (s *System) AddOrgOf(tx *store.Tx, name, slug string, users []string) (org string, err error) {
	org = tx.NewID("org")
	if err := insertOrg(tx, org, slug, name, ""); err != nil {
		return "", err
	}
	for i, id := range users {
		role := "rol_member"
		if i == 0 {
			role = ownerRole
		}
		if err := insertMember(tx, org, id); err != nil {
			return "", err
		}
		if err := bindRole(tx, id, org, role); err != nil {
			return "", err
		}
	}
	return org, s.Audit.Record(tx, audit.Event{Action: actOrgCreated, Actor: audit.User(users[0]), Org: org, Targets: []audit.Ref{{Type: "org", ID: org}},
		Details: map[string]any{"slug": slug, "name": name}})
}
