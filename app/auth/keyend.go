package auth

import (
	"seaworthy/app/audit"
	"seaworthy/store"
)

// EndInstanceKeys ends the keys of the whole instance that a user made: whoever
// may not be here any more leaves none behind. Keys of an org belong to the org
// and stay; its log says who made them.
func (s *System) EndInstanceKeys(tx *store.Tx, userID string) error {
	ids, err := instanceKeysMadeBy(tx, "user:"+userID)
	if err != nil {
		return err
	}
	for _, id := range ids {
		k, err := anyKey(tx, id)
		if err != nil {
			return err
		}
		if err := s.endKey(tx, k); err != nil {
			return err
		}
	}
	return nil
}

// endKey ends a key that is not revoked.
func (s *System) endKey(tx *store.Tx, k Key) error {
	if err := revokeKey(tx, k.ID); err != nil {
		return err
	}
	return s.Audit.Record(tx, audit.Event{Action: actKeyRevoked, Targets: []audit.Ref{{Type: "key", ID: k.ID}}, Org: k.Org,
		Details: map[string]any{"prefix": k.Prefix}})
}
