package audit

import (
	"encoding/json"
	"errors"
	"fmt"

	"seaworthy/app/audit/merkle"
	"seaworthy/app/audit/verify"
	"seaworthy/store"
)

// proofOf is the offline proof of one event: where it is in the tree, how it leads
// to a signed root, and the event itself (c2sp.org/tlog-proof). disclose says
// which of its personal data goes along. The error is errUnsigned while no
// checkpoint covers the event.
func proofOf(tx *store.Tx, e Entry, disclose func(Ref) bool) (merkle.Proof, error) {
	if e.Dropped {
		return merkle.Proof{}, errDropped
	}
	o, err := originOf(tx, e.Seq)
	if err != nil {
		return merkle.Proof{}, err
	}
	c, err := newestCheckpoint(tx, o.gen)
	index := e.Seq - o.first
	if errors.Is(err, store.ErrNotFound) || err == nil && index >= c.Size {
		return merkle.Proof{}, errUnsigned
	}
	if err != nil {
		return merkle.Proof{}, err
	}
	hashes, err := merkle.Prove(tileReader(tx, o, c.Size), c.Checkpoint, index)
	if err != nil {
		return merkle.Proof{}, fmt.Errorf("event %d: %w", e.Seq, err)
	}
	extra := verify.Extra{Seq: e.Seq, Body: string(e.Body)}
	for _, d := range e.disclosures {
		if disclose(d.subject) {
			extra.Disclosures = append(extra.Disclosures, d.items...)
		}
	}
	text, err := json.Marshal(extra)
	if err != nil {
		return merkle.Proof{}, err
	}
	return merkle.Proof{Extra: text, Index: index, Hashes: hashes, Checkpoint: c.note}, nil
}

// everything discloses all that has not been erased.
func everything(Ref) bool { return true }

// isSigned reports whether a published checkpoint covers an event.
func isSigned(tx *store.Tx, seq int64) (bool, error) {
	o, err := originOf(tx, seq)
	if err != nil {
		return false, err
	}
	c, err := newestCheckpoint(tx, o.gen)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && seq-o.first < c.Size, err
}
