package auth

import (
	"time"

	"seaworthy/store"
)

// UserDetail is all that is known of a user here, as operators see it.
type UserDetail struct {
	Person
	Addresses    []Address
	Password     bool // there is one
	Credentials  []Credential
	Orgs         []Membership
	Sessions     []SessionRow
	MoreSessions bool     // there are more than are listed
	Keys         []Key    // which the user made, the newest first
	Permissions  []string // in the whole instance
}

// Address is one of a user's e-mail addresses.
type Address struct {
	Email    string
	Primary  bool
	Verified time.Time // zero: it is only claimed
}

// SessionRow is a living session as operators see it.
type SessionRow struct {
	ID, Kind, Device, Icon, IP, Place string
	Support                           bool // somebody acts as the user in it
	Created, LastSeen, Expires        time.Time
}

// shown bounds the lists on the page of one user or org.
const shown = 50

// UserByID assembles what is known of a user. It is the one place that does:
// what signs people in adds itself here.
func (s *System) UserByID(tx *store.Tx, id string) (d UserDetail, err error) {
	if d.Person, err = personByID(tx, id); err != nil {
		return d, err
	}
	if d.Addresses, err = addresses(tx, id); err != nil {
		return d, err
	}
	u, err := userByID(tx, id)
	if err != nil && !isNotFound(err) {
		return d, err
	}
	d.Password = u.phc != ""
	if d.Credentials, err = credentialsOf(tx, id); err != nil {
		return d, err
	}
	if d.Orgs, err = Memberships(tx, id); err != nil {
		return d, err
	}
	if d.Permissions, err = permissions(tx, id, ""); err != nil {
		return d, err
	}
	if d.Keys, err = keysMadeBy(tx, "user:"+id, "", shown); err != nil {
		return d, err
	}
	d.Sessions, d.MoreSessions, err = s.SessionsOf(tx, id, shown)
	return d, err
}

// SessionsOf are the living sessions of a user, those used last first, and
// whether there are more.
func (s *System) SessionsOf(tx *store.Tx, userID string, limit int) (rows []SessionRow, more bool, err error) {
	all, err := userSessions(tx, userID, limit+1)
	if err != nil {
		return nil, false, err
	}
	for _, se := range all[:min(len(all), limit)] {
		rows = append(rows, SessionRow{ID: se.id, Kind: string(se.kind), Device: se.label(), Icon: se.icon(), IP: se.ip, Place: s.Places.Of(se.ip),
			Support: se.support, Created: se.created, LastSeen: se.lastSeen, Expires: se.expires})
	}
	return rows, len(all) > limit, nil
}
