package audit

import (
	"errors"
	"fmt"
	"time"

	"seaworthy/app/launch"
	"seaworthy/store"
)

// verifiedFor is how old the last look at the whole log may be: it is verified daily.
const verifiedFor = 3 * 24 * time.Hour

// Checks are what must be so of the log before customers come.
func Checks(tx *store.Tx) ([]launch.Check, error) {
	h, err := selectHead(tx)
	if err != nil {
		return nil, err
	}
	v, err := lastVerification(tx)
	if err != nil {
		return nil, err
	}
	sound := launch.Check{Key: "audit.verified", System: "audit", Title: "The audit log was verified lately", Link: "/-/admin/audit",
		Why: "A log that nobody verifies proves nothing: a change from outside would stay unseen.",
		Fix: "It is verified once a day by itself; the page Audit has it verified now, 'seaworthy audit verify' does so from the command line."}
	switch {
	case h.broken != "":
		sound.Blocks = true
		sound = sound.Is(launch.Todo, "The log is broken: "+h.broken)
	case v.Problem != "":
		sound.Blocks = true
		sound = sound.Is(launch.Todo, "The last verification found: "+v.Problem)
	case v.At.IsZero():
		sound = sound.Is(launch.Todo, "It was never verified.")
	case tx.Now().Sub(v.At) > verifiedFor:
		sound = sound.Is(launch.Warn, "It was last verified on "+v.At.Format("2 Jan 2006")+".")
	default:
		sound = sound.Is(launch.Done, fmt.Sprintf("%d events verified on %s.", v.Size, v.At.Format("2 Jan 2006")))
	}
	return []launch.Check{sound}, nil
}

// LastAt is when an action was recorded last; zero for never.
func LastAt(tx *store.Tx, action Action) (time.Time, error) {
	var ts int64
	err := tx.QueryRow(`SELECT ts FROM audit_event WHERE action = ? ORDER BY seq DESC LIMIT 1`, string(action)).Scan(&ts)
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	return time.UnixMilli(ts).UTC(), err
}
