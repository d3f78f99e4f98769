package auth

import (
	"context"
	"regexp"
	"slices"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/web"
	"seaworthy/store"
)

// Key is an API key as lists show it. Its secret is nowhere: it is shown once,
// when the key is made, and only its hash is kept.
type Key struct {
	ID, Name                   string
	Prefix                     string   // how the secret begins, for people to tell keys apart
	Org, OrgSlug               string   // "" for a key of the whole instance
	Permissions                []string // what it may do: those it lists, and for a key that asks those of its role
	Listed                     []string
	Role, RoleName             string    // a role of its org; "" for none
	CreatedBy                  string    // type:id, as in the audit log
	Created                    time.Time // the others are zero for never
	Expires, LastUsed, Revoked time.Time
}

// AnyOrg stands for the keys of every org and of the whole instance.
const AnyOrg = "*"

// NewKey is what a key is made from.
type NewKey struct {
	Name        string
	Org         string    // id or slug; "" for the whole instance
	Permissions []string  // "area:act", "area:*" or "*"; one at least, or a role
	Role        string    // id of a role of the org, whose permissions the key has beside, also as they change; "" for none
	Expires     time.Time // zero: never
}

// permissionForm is how a permission is written.
var permissionForm = regexp.MustCompile(`^(\*|[a-z][a-z0-9_]*:(\*|[a-z][a-z0-9_]*))$`)

// maxPermissions bounds how many permissions one key names.
const maxPermissions = 50

// MakeKey makes an API key and returns it with its secret. Whoever asks cannot
// give it a permission that he does not have himself where the key works; the
// command line on the machine has every one. What an org's owner cannot do, no
// key of the org can.
func (s *System) MakeKey(ctx context.Context, n NewKey) (k Key, secret string, err error) {
	var c web.Check
	n.Name = c.Text("name", n.Name, 1, 100)
	n.Permissions = sortedPlain(n.Permissions)
	c.Fault(len(n.Permissions) > 0 || n.Role != "", "permissions", "required", "Say what the key may do.")
	c.Fault(len(n.Permissions) <= maxPermissions, "permissions", "too_many", "A key can name fifty permissions at most.")
	c.Fault(n.Role == "" || n.Org != "", "role", "org", "Only a key of an org can have a role.")
	for _, p := range n.Permissions {
		c.Fault(permissionForm.MatchString(p), "permissions", "form", "A permission is written area:act, area:* or *.")
	}
	c.Fault(n.Expires.IsZero() || n.Expires.After(s.DB.Now()), "expires_at", "past", "This is not in the future.")
	if err := c.Err(); err != nil {
		return Key{}, "", err
	}
	secret = newSecret(n.Org)
	k, err = store.Write(ctx, s.DB, func(tx *store.Tx) (Key, error) { return s.addKey(tx, n, secret) })
	if err != nil {
		return Key{}, "", err
	}
	return k, secret, nil
}

// sortedPlain are permissions as they are written here, in order, each once.
func sortedPlain(permissions []string) []string {
	out := make([]string, len(permissions))
	for i, p := range permissions {
		out[i] = plain(p)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *System) addKey(tx *store.Tx, n NewKey, secret string) (Key, error) {
	k := Key{ID: tx.NewID("key"), Name: n.Name, Prefix: secretPrefix(secret), Permissions: n.Permissions, Listed: n.Permissions,
		CreatedBy: maker(tx.Context()), Created: tx.Now(), Expires: n.Expires.UTC().Truncate(time.Millisecond)}
	if n.Org != "" {
		org, err := orgByName(tx, n.Org)
		if isNotFound(err) {
			return k, errNoOrg
		}
		if err != nil {
			return k, err
		}
		k.Org, k.OrgSlug = org.ID, org.Slug
	}
	if n.Role != "" {
		role, err := roleInOrg(tx, k.Org, n.Role)
		if isNotFound(err) {
			return k, errNoRole
		}
		if err != nil {
			return k, err
		}
		k.Role, k.RoleName = role.ID, role.Name
		k.Permissions = slices.Compact(slices.Sorted(slices.Values(slices.Concat(n.Permissions, role.Permissions))))
	}
	if err := mayGrant(tx, k); err != nil {
		return k, err
	}
	if err := insertKey(tx, k, token(secret).hash()); err != nil {
		return k, err
	}
	details := map[string]any{"prefix": k.Prefix, "permissions": k.Listed}
	if k.Role != "" {
		details["role"] = k.RoleName
	}
	if !k.Expires.IsZero() {
		details["expires_at"] = k.Expires.UnixMilli()
	}
	return k, s.Audit.Record(tx, audit.Event{Action: actKeyCreated, Targets: []audit.Ref{{Type: "key", ID: k.ID}}, Org: k.Org,
		Details: details, Personal: map[string]string{"name": k.Name}})
}

// Keys lists the keys of an org (its id), of the whole instance for "", or all
// with AnyOrg: the newest first, those before the id. Who may see them is for
// the caller to know.
func (s *System) Keys(ctx context.Context, org, before string, limit int) ([]Key, error) {
	return store.Read(ctx, s.DB, func(tx *store.Tx) ([]Key, error) { return selectKeys(tx, org, before, limit) })
}

// RevokeKey ends a key of an org (its id), of the whole instance for "", or any
// with AnyOrg; a key that is not among those is store.ErrNotFound. From the next
// request on it is refused. Ending it again changes nothing. Who may do this is
// for the caller to know.
func (s *System) RevokeKey(ctx context.Context, org, id string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		k, err := anyKey(tx, id)
		if err != nil {
			return err
		}
		if org != AnyOrg && org != k.Org {
			return store.ErrNotFound
		}
		if !k.Revoked.IsZero() {
			return nil
		}
		return s.endKey(tx, k)
	})
}

// State is what the key is at a time: active, expired or revoked.
func (k Key) State(now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !k.Expires.IsZero() && !k.Expires.After(now):
		return "expired"
	}
	return "active"
}
