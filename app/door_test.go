package app

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// Before others are held at the door, slow requests are waited for; where all are slow, not for ever.
func TestSettle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		early time.Duration // how much longer a request takes that is here already; 0: there is none
		slow  bool          // requests of 350 ms come one upon another
		want  time.Duration
	}{
		"nobody":                       {0, false, 0},
		"one who uploads":              {5 * time.Second, false, 5 * time.Second},
		"all are slow":                 {0, true, 2 * time.Second},
		"an upload, and all are slow":  {5 * time.Second, true, 5 * time.Second},
		"one who takes more than that": {time.Hour, true, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDoor(nil)
				visit := func(takes time.Duration) {
					conn, _ := net.Pipe()
					d.note(conn, http.StateActive)
					time.AfterFunc(takes, func() { d.note(conn, http.StateIdle) })
				}
				if c.slow {
					stop := make(chan struct{})
					defer close(stop)
					go func() {
						for {
							select {
							case <-stop:
								return
							case <-time.After(20 * time.Millisecond):
								visit(350 * time.Millisecond)
							}
						}
					}()
					time.Sleep(time.Second) // of the bubble: nobody waits for it
				}
				if c.early > 0 {
					visit(2*aMoment + c.early)
					time.Sleep(2 * aMoment)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				began := time.Now()
				d.settle(ctx)
				if took := time.Since(began); took < c.want || took > c.want+aMoment {
					t.Errorf("it took %s, want %s", took, c.want)
				}
			})
		})
	}
}
