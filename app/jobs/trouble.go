package jobs

import (
	"time"

	"seaworthy/store"
)

// Trouble is an endpoint that gets no jobs: it is disabled, or left alone because most deliveries fail.
type Trouble struct {
	Endpoint string
	Disabled bool
	Why      string    // of one that is disabled: gone
	Until    time.Time // until when it is left alone
}

// Troubles lists such endpoints. One that a person disabled is none: he knows.
func Troubles(tx *store.Tx) (all []Trouble, err error) {
	some, err := listEndpoints(tx, maxEndpoints)
	for _, e := range some {
		switch {
		case e.disabledAt != nil && e.disabledWhy == "gone":
			all = append(all, Trouble{Endpoint: e.name, Disabled: true, Why: e.disabledWhy})
		case e.disabledAt == nil && e.openUntil != nil:
			all = append(all, Trouble{Endpoint: e.name, Until: time.UnixMilli(*e.openUntil).UTC()})
		}
	}
	return all, err
}
