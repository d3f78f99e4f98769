package flags

import (
	"context"
	"fmt"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/glance"
	"seaworthy/store"
)

const glanceDays = 14

// changing are the acts that change what flags serve.
var changing = []audit.Action{actCreated, actChanged, actRestored, actKilled, actRevived, actImported, actKillSet, actKillLifted, actSegmentSet}

// Glance is flags on the console's home.
func (s *System) Glance(_ context.Context, tx *store.Tx) (glance.Card, error) {
	c := glance.Card{State: glance.State{Kind: glance.OK, Word: "Serving"}, Line: glance.NewLine("Changes a day", tx.Now(), 24*time.Hour, glanceDays)}
	hours, err := audit.Hours(tx, c.Line.From, changing...)
	if err != nil {
		return c, err
	}
	day, today := tx.Now().Add(-24*time.Hour), int64(0)
	for _, all := range hours {
		for _, h := range all {
			c.Line.Add(h.At, h.N)
		}
		today += all.Since(day)
	}
	kill, err := KillState(tx)
	if err != nil {
		return c, err
	}
	all, killed, faulty := s.Snapshot().Standing()
	off := glance.Number{Label: "Killed", N: int64(killed), Path: "/-/admin/flags"}
	if killed > 0 {
		off.Kind = glance.Warn
		c.State = glance.State{Kind: glance.Warn, Word: "Some killed", Detail: "Some flags serve their off variant to everybody."}
	}
	if kill.On() {
		c.State = glance.State{Kind: glance.Danger, Word: "Killed", Detail: kill.Why}
		c.Needs = append(c.Needs, glance.Need{Key: "flags_killed", Kind: glance.Danger, Text: "The kill switch is on: " + kill.Why, Since: kill.Since, Path: "/-/admin/flags/-/kill"})
	}
	if faulty > 0 {
		c.State = c.State.Or(glance.State{Kind: glance.Warn, Word: "Faulty", Detail: "Some flags cannot be evaluated and answer with an error."})
		c.Needs = append(c.Needs, glance.Need{Key: "flags_faulty", Kind: glance.Warn, Text: fmt.Sprintf("%d of the flags cannot be evaluated and answer with an error.", faulty), Path: "/-/admin/flags"})
	}
	c.Numbers = []glance.Number{{Label: "Flags", N: int64(all), Path: "/-/admin/flags"}, {Label: "Changes in 24 hours", N: today, Path: "/-/admin/audit?action=" + string(actChanged)}, off}
	return c, nil
}
