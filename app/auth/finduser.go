package auth

import (
	"context"
	"strings"

	"seaworthy/store"
)

// FindUser is the id of a user, named by it or by an address that he verified, or else claims;
// store.ErrNotFound if there is none.
func (s *System) FindUser(ctx context.Context, idOrEmail string) (id string, err error) {
	if strings.HasPrefix(idOrEmail, "usr_") {
		return store.Read(ctx, s.DB, func(tx *store.Tx) (string, error) {
			u, err := userByID(tx, idOrEmail)
			return u.id, err
		})
	}
	addr, ok := newAddress(idOrEmail)
	if !ok {
		return "", store.ErrNotFound
	}
	return store.Read(ctx, s.DB, func(tx *store.Tx) (string, error) {
		u, err := owner(tx, addr.norm)
		if isNotFound(err) {
			u, err = newestClaim(tx, addr.norm)
		}
		return u.id, err
	})
}
