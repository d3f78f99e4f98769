package auth

import (
	"seaworthy/app/email"
	"seaworthy/store"
)

// Addresses are the addresses that are a user's: those he has verified, and those he
// claims and nobody has verified.
func Addresses(tx *store.Tx, userID string) ([]email.Address, error) {
	return store.All(tx, func(r store.Scanner) (a email.Address, err error) {
		return a, r.Scan(&a.Typed, &a.Norm, &a.Verified)
	}, `SELECT e.email, e.email_norm, e.verified_at IS NOT NULL FROM auth_email e WHERE e.user_id = ? AND (e.verified_at IS NOT NULL
		OR NOT EXISTS (SELECT x.user_id FROM auth_email x WHERE x.email_norm = e.email_norm AND x.verified_at IS NOT NULL)) ORDER BY e.user_id, e.email_norm`, userID)
}
