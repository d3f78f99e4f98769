package billing

import (
	"strings"

	"seaworthy/app/audit"
	"seaworthy/store"
)

// noteDrift records what a fetch found different that no event had told of.
func (s *System) noteDrift(tx *store.Tx, customer string, changed []string) error {
	if len(changed) == 0 {
		return nil
	}
	c, err := customerByID(tx, customer)
	if err != nil {
		return err
	}
	for _, id := range changed {
		what, _, _ := strings.Cut(id, "_")
		if _, err := tx.Exec(`INSERT INTO billing_drift (id, customer_id, org_id, object_id, what, found_at) VALUES (?, ?, ?, ?, ?, ?)`,
			tx.NewID("drf"), customer, c.org, id, what, tx.Now().UnixMilli()); err != nil {
			return err
		}
	}
	n := int64(len(changed))
	tx.AfterCommit(func() { s.counts.addN("drift", "repaired", n) })
	return s.Audit.Record(tx, audit.Event{Action: actRepaired, Org: c.org, Targets: targets(c.org, c.id), Details: map[string]any{"objects": changed}})
}
