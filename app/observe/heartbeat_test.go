package observe_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/observe"
)

func beating(url string) apptest.Option {
	return func(c *config.Config, _ *app.Options) { c.HeartbeatURL = url }
}

func TestHeartbeatOnlyWhileAllIsWell(t *testing.T) {
	t.Parallel()
	h, room := newHook(t), int64(50)
	a := apptest.New(t, beating(h.URL+"/canary-beat"), failing, roomy(&room))
	operator := a.Operator(grace)
	want := func(sent bool, held string, beats int) observe.Beat {
		t.Helper()
		a.Clock.Advance(time.Minute)
		b := a.Heartbeat.Beat(t.Context())
		if b.Sent != sent || b.Held != held || len(h.bodies()) != beats {
			t.Errorf("%+v after %d beats", b, len(h.bodies()))
		}
		return b
	}
	want(true, "", 1)
	operator.Get("/-/admin").Want(200, "Heartbeat", "Beating")
	room = 0 // telemetry stops first
	a.Browser().Get("/-/test/fail").Want(500)
	a.Observe.Flush()
	if b := want(false, "telemetry", 1); b.LastOK.IsZero() {
		t.Errorf("it has forgotten when all was well: %+v", b)
	}
	operator.Get("/-/admin").Want(200, "Held back")
	room = 50
	a.Browser().Get("/-/test/fail").Want(500)
	a.Observe.Flush()
	want(true, "", 2)
	h.mu.Lock()
	h.status = http.StatusNotFound
	h.mu.Unlock()
	if b := want(false, "request", 3); !strings.Contains(b.Why, "answered 404") || strings.Contains(b.Why, "canary") {
		t.Errorf("why: %s", b.Why)
	}
	if b, err := observe.LastBeat(t.Context(), a.DB); err != nil || b.Sent || b.Held != "request" {
		t.Errorf("doctor is told %+v, %v", b, err)
	}
	a.DB.Fence(errors.New("another has the lease"))
	want(false, "write", 3)
	if text := files(t, a) + a.Logs(); strings.Contains(text, "canary-beat") {
		t.Error("the address is stored or logged")
	}
}

func TestHeartbeatWaitsForTheReplica(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	a := apptest.New(t, beating(h.URL), func(c *config.Config, _ *app.Options) { c.Replica = "" })
	if b := a.Heartbeat.Beat(t.Context()); b.Sent || b.Held != "replica" || len(h.bodies()) != 0 {
		t.Errorf("%+v before replication has begun", b)
	}
	a.Replicate()
	a.Must(a.Confirm(t.Context()))
	if b := a.Heartbeat.Beat(t.Context()); !b.Sent || len(h.bodies()) != 1 {
		t.Errorf("%+v", b)
	}
}
