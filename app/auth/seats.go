package auth

import "seaworthy/store"

// mayGrow refuses one more member where the org may not have one.
func (s *System) mayGrow(tx *store.Tx, org string) error {
	if s.Grow == nil {
		return nil
	}
	return s.Grow(tx, org)
}

// maxSeats bounds how many members are counted.
const maxSeats = 100_000

// Seats is how many people are members of an org; those who are only invited are not
// among them.
func Seats(tx *store.Tx, org string) (n int64, err error) {
	err = tx.QueryRow(`SELECT count(*) FROM (SELECT m.user_id FROM auth_membership m WHERE m.org_id = ? LIMIT ?)`, org, maxSeats).Scan(&n)
	return n, err
}
