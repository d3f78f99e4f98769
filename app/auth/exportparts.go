package auth

import (
	"context"
	"time"

	"seaworthy/store"
)

// ownParts are what auth holds on a person, without what proves who he is.
func (s *System) ownParts() []ExportPart {
	return []ExportPart{
		{Name: "profile", About: "your name and addresses", Write: s.exportProfile},
		{Name: "sessions", About: "when, where and with what you signed in", Write: exportRows(s, exportedSessions)},
		{Name: "devices", About: "the browsers and programs you signed in with", Write: exportRows(s, exportedDevices)},
		{Name: "organizations", About: "the organizations you belong to, and your role in each", Write: exportRows(s, exportedOrgs)},
		{Name: "second_steps", About: "what you show besides the first step when you sign in", Write: exportRows(s, exportedFactors)},
		{Name: "linked_accounts", About: "the accounts elsewhere that you can sign in with", Write: exportRows(s, exportedIdentities)},
		{Name: "api_keys", About: "the API keys you made", Write: exportRows(s, exportedKeys)},
	}
}

type exportedEmail struct {
	Email    string     `json:"email"`
	Primary  bool       `json:"primary"`
	Verified *time.Time `json:"verified_at"`
	Created  time.Time  `json:"created_at"`
}

type exportedProfile struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Status   string          `json:"status"`
	Password bool            `json:"has_password"`
	Created  time.Time       `json:"created_at"`
	Emails   []exportedEmail `json:"emails"`
}

func (s *System) exportProfile(ctx context.Context, userID string, row func(any) error) error {
	p, err := store.Read(ctx, s.DB, func(tx *store.Tx) (p exportedProfile, err error) {
		u, err := userByID(tx, userID)
		if err != nil {
			return p, err
		}
		p = exportedProfile{ID: u.id, Name: u.name, Status: u.status, Password: u.phc != "", Created: u.created}
		p.Emails, err = exportedEmails(tx, userID)
		return p, err
	})
	if err != nil {
		return err
	}
	return row(p)
}

// exportRows makes a part of what one query finds.
func exportRows[T any](s *System, read func(tx *store.Tx, userID string) ([]T, error)) func(context.Context, string, func(any) error) error {
	return func(ctx context.Context, userID string, row func(any) error) error {
		all, err := store.Read(ctx, s.DB, func(tx *store.Tx) ([]T, error) { return read(tx, userID) })
		if err != nil {
			return err
		}
		for _, v := range all {
			if err := row(v); err != nil {
				return err
			}
		}
		return nil
	}
}

type exportedSession struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind"`
	Device   string     `json:"device_id,omitempty"`
	Method   string     `json:"amr"`
	IP       string     `json:"ip"`
	UA       string     `json:"user_agent"`
	Created  time.Time  `json:"created_at"`
	LastSeen time.Time  `json:"last_seen_at"`
	Ended    *time.Time `json:"revoked_at"`
	Reason   string     `json:"reason,omitempty"`
}

type exportedDevice struct {
	ID        string    `json:"id"`
	Label     string    `json:"label"`
	FirstSeen time.Time `json:"first_seen_at"`
	LastSeen  time.Time `json:"last_seen_at"`
}

type exportedOrg struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Slug  string    `json:"slug"`
	Role  string    `json:"role"`
	Since time.Time `json:"since"`
}

// exportedFactor is a second factor without its secret; of a phone the label has
// the last digits.
type exportedFactor struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind"`
	Label    string     `json:"label"`
	Created  time.Time  `json:"created_at"`
	LastUsed *time.Time `json:"last_used_at"`
}

type exportedIdentity struct {
	ID       string    `json:"id"`
	Provider string    `json:"provider"`
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	Email    string    `json:"email"` // as the provider last said
	Linked   time.Time `json:"linked_at"`
	LastUsed time.Time `json:"last_used_at"`
}

type exportedKey struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Prefix      string     `json:"prefix"`
	Org         string     `json:"org_id,omitempty"`
	Permissions string     `json:"permissions"`
	Created     time.Time  `json:"created_at"`
	Expires     *time.Time `json:"expires_at"`
	LastUsed    *time.Time `json:"last_used_at"`
	Revoked     *time.Time `json:"revoked_at"`
}
