package billing

import "seaworthy/store"

// pauseVoid is the pause in which nothing is charged and nothing given (Stripe docs,
// pause_collection).
const pauseVoid = "void"

// readPause works out when a pause begins to count. Its invoices are voided from the
// next on, so what was paid for is used first. A pause of the other kinds gives all
// there is meanwhile: what it costs is collected later, or given.
func (s *System) readPause(tx *store.Tx, was subRow, row *subRow) {
	if row.pause != pauseVoid {
		return
	}
	if row.pauseFrom = was.pauseFrom; was.pause != pauseVoid || row.pauseFrom == 0 {
		row.pauseFrom = row.periodEnd
	}
	row.paused = row.pauseFrom <= s.now(tx).UnixMilli()
}
