package auth

import "time"

// keyJSON is a key as the API says it.
type keyJSON struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Expires *time.Time `json:"expires_at,omitempty"`
}

func (k Key) json() *keyJSON { return &keyJSON{ID: k.ID, Name: k.Name, Expires: timeOrNil(k.Expires)} }

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// keyRow is a key in a list of the API.
type keyRow struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	Prefix      string     `json:"prefix"`
	Org         string     `json:"org_id,omitempty"` // none for a key of the whole instance
	Permissions []string   `json:"permissions"`      // that it lists itself
	Role        string     `json:"role,omitempty"`   // id; it has what that gives beside
	State       string     `json:"state"`            // active, expired or revoked
	CreatedBy   string     `json:"created_by"`
	Created     time.Time  `json:"created_at"`
	Expires     *time.Time `json:"expires_at,omitempty"`
	LastUsed    *time.Time `json:"last_used_at,omitempty"`
	Revoked     *time.Time `json:"revoked_at,omitempty"`
}

func (k Key) row(now time.Time) keyRow {
	return keyRow{ID: k.ID, Name: k.Name, Prefix: k.Prefix, Org: k.Org, Permissions: k.Listed, Role: k.Role, State: k.State(now), CreatedBy: k.CreatedBy,
		Created: k.Created, Expires: timeOrNil(k.Expires), LastUsed: timeOrNil(k.LastUsed), Revoked: timeOrNil(k.Revoked)}
}

type keyList struct {
	Keys []keyRow `json:"keys"`
	Next string   `json:"next_cursor,omitempty"` // of the next, older page; none on the last
}

// keyInput is what a key is made from.
type keyInput struct {
	Name        string     `json:"name" doc:"What the key is for"`
	Permissions []string   `json:"permissions,omitempty" doc:"As area:act, area:* or *"`
	Role        string     `json:"role,omitempty" doc:"Id of a role of the organization that it follows"`
	Expires     *time.Time `json:"expires_at,omitempty" doc:"When it ends; never if left out"`
}

// keyMade is a new key with its secret, which is told this once.
type keyMade struct {
	keyRow
	Secret string `json:"secret"`
}
