package auth

import (
	"time"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// EndInstanceKeys ends the keys of the whole instance that a user made, himself or
// by another such key: whoever may not be here any more leaves none behind. Keys
// of an org belong to the org and stay; its log says who made them.
func (s *System) EndInstanceKeys(tx *store.Tx, userID string) error {
	_, err := s.endInstanceKeys(tx, "user:"+userID, time.Time{})
	return err
}

// endInstanceKeys ends those that somebody (type:id) made since a time and those
// that were made by them, and returns how many.
func (s *System) endInstanceKeys(tx *store.Tx, maker string, since time.Time) (n int, err error) {
	ids, err := instanceKeysMadeBy(tx, maker, since)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		k, err := anyKey(tx, id)
		if err != nil {
			return n, err
		}
		if k.Revoked.IsZero() {
			if err := s.endKey(tx, k); err != nil {
				return n, err
			}
			n++
		}
		more, err := s.endInstanceKeys(tx, "key:"+id, since)
		if n += more; err != nil {
			return n, err
		}
	}
	return n, nil
}

// endKey ends a key that is not revoked.
func (s *System) endKey(tx *store.Tx, k Key) error {
	if err := revokeKey(tx, k.ID); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actKeyRevoked, Targets: []audit.Ref{{Type: "key", ID: k.ID}}, Org: k.Org,
		Details: map[string]any{"prefix": k.Prefix}})
}
