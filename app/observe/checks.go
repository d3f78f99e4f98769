package observe

import (
	"errors"
	"fmt"
	"time"

	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/store"
)

// Checks are what must be so that somebody learns when this fails.
func Checks(tx *store.Tx, c *config.Config) ([]launch.Check, error) {
	k := launch.Check{Key: "observe.heartbeat", System: "observe", Title: "Somebody outside notices when this machine is gone", Link: alertsBase + "/settings",
		Why: "A process that is dead tells nobody. A beat that is missing does.",
		Fix: "Make a check at healthchecks.io, Cronitor or the like, and set SEAWORTHY_HEARTBEAT_URL to its address."}
	if c.HeartbeatURL == "" {
		return []launch.Check{k.Is(launch.Todo, "SEAWORTHY_HEARTBEAT_URL is not set.")}, nil
	}
	text, err := store.Meta(tx, beatKey)
	if err != nil {
		return nil, err
	}
	b, err := parseBeat(text)
	if errors.Is(err, store.ErrNotFound) {
		return []launch.Check{k.Is(launch.Unknown, "None was sent yet; the server sends one every minute.")}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the last heartbeat: %w", err)
	}
	when := b.At.UTC().Format("2 Jan 2006, 15:04")
	switch {
	case !b.Sent:
		return []launch.Check{k.Is(launch.Warn, "The last one, of "+when+", was not sent or not taken: "+b.Why+".")}, nil
	case tx.Now().Sub(b.At) > 5*time.Minute:
		return []launch.Check{k.Is(launch.Warn, "The last one was sent on "+when+".")}, nil
	}
	return []launch.Check{k.Is(launch.Done, "The last one was taken on "+when+".")}, nil
}
