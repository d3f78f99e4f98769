package queue

import "seaworthy/store"

// WithIDs are the jobs whose ids lie from one text on and before another, the newest first.
func WithIDs(tx *store.Tx, from, before string, limit int) ([]Record, error) {
	return store.All(tx, scanRecord, recordColumns+`WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?`, from, before, limit)
}

// NextKind is the first kind of job from one text on and before another, or store.ErrNotFound.
// Walking on with it costs one look at the index a kind, however many jobs there are.
func NextKind(tx *store.Tx, from, before string) (kind string, err error) {
	err = tx.QueryRow(`SELECT kind FROM queue_job WHERE kind >= ? AND kind < ? ORDER BY kind LIMIT 1`, from, before).Scan(&kind)
	return kind, err
}
