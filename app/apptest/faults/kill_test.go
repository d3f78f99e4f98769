//go:build faults

package faults

import (
	"testing"
	"time"
)

// TestKill kills the process again and again while people sign up, each time
// after a number of acknowledgements that is left to chance.
func TestKill(t *testing.T) {
	data, l, dice := newData(t), &ledger{}, chance()
	for run := range *kills {
		c := serve(t, data)
		if all := l.acknowledged(); len(all) > 0 {
			c.knows(all[len(all)-1])
		}
		people := rush(c, l)
		l.reaches(t, len(l.acknowledged())+1+dice.IntN(2**clients))
		c.kill()
		people.wait()
		sound(t, snapshot(t, data), l)
		if t.Failed() {
			t.Fatalf("after kill %d of %d", run+1, *kills)
		}
	}
	if refused := l.refusals(); len(refused) > 0 {
		t.Errorf("%d sign-ups were refused, first with %s", len(refused), refused[0])
	}
	finish(t, data, l)
	t.Logf("%d kills, %d sign-ups acknowledged, 0 lost", *kills, len(l.acknowledged()))
}

// finish starts once more, waits for the mail, stops cleanly and checks
// everything, the replica included.
func finish(t *testing.T, data string, l *ledger) {
	t.Helper()
	c := serve(t, data)
	c.delivered(l.acknowledged())
	c.becomesReady()
	c.stop()
	db := snapshot(t, data)
	sound(t, db, l)
	sent(t, db)
	inStep(t, data)
}

// TestKillStarting kills it while it restores, migrates, requeues or begins to
// replicate: no instant of a start may leave something the next cannot open.
func TestKillStarting(t *testing.T) {
	data, l, dice := newData(t), &ledger{}, chance()
	for run := range *kills {
		c := start(t, stock, data)
		// The instant is the fault; nothing is waited for.
		<-time.After(time.Duration(dice.IntN(120)) * time.Millisecond)
		c.kill()
		if run%4 == 3 {
			c = serve(t, data)
			l.signUp(c)
			c.kill()
			sound(t, snapshot(t, data), l)
		}
	}
	if got, want := len(l.acknowledged()), *kills/4; got != want {
		t.Errorf("%d sign-ups acknowledged, want %d", got, want)
	}
	c := serve(t, data)
	c.stop()
	sound(t, snapshot(t, data), l)
	inStep(t, data)
}
