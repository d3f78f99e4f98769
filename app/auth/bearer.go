package auth

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// A secret is "sw_", the kind of its key, and 200 random bits in base32:
// "sw_org_4k0…". Whoever finds one sees what it is, and a double click selects it.
const (
	kindOperator = "op_" // of the whole instance
	kindOrg      = "org_"
	secretBytes  = 25
	shownChars   = 6 // of the random part stand in Key.Prefix: 30 bits of 200
	maxSecret    = 128
)

var secretEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newSecret makes the secret of a key of an org, or of the whole instance if org is "".
func newSecret(org string) string {
	kind := kindOperator
	if org != "" {
		kind = kindOrg
	}
	var b [secretBytes]byte
	rand.Read(b[:])
	return web.TokenPrefix + kind + secretEncoding.EncodeToString(b[:])
}

// secretPrefix is the part of a secret that people may see.
func secretPrefix(secret string) string {
	return secret[:strings.LastIndexByte(secret, '_')+1+shownChars]
}

// identifyKey finds who shows the secret of a key.
func (s *System) identifyKey(ctx context.Context, secret string) (web.Identity, error) {
	if len(secret) > maxSecret {
		return web.Identity{}, web.ErrBadToken
	}
	// The hash is looked up, so the time this takes tells nothing of the secret.
	hash := token(secret).hash()
	k, err := store.Peek(ctx, s.DB, func(tx *store.Tx) (Key, error) { return keyBySecret(tx, hash) })
	if isNotFound(err) {
		return web.Identity{}, web.ErrBadToken
	}
	if err != nil {
		return web.Identity{}, err
	}
	web.OriginOf(ctx).Found = k
	s.touched.noteKey(k, s.DB.Now())
	return web.Identity{Key: k.ID, Name: k.Name, Org: k.Org, Permissions: k.Permissions}, nil
}

// AskingKey is the API key that makes the request of ctx, if one does.
func AskingKey(ctx context.Context) (Key, bool) {
	k, ok := web.OriginOf(ctx).Found.(Key)
	return k, ok && k.ID == web.IdentityOf(ctx).Key
}

// FindKey is a living API key by its id; store.ErrNotFound without it.
func FindKey(tx *store.Tx, id string) (Key, error) { return keyByID(tx, id) }
