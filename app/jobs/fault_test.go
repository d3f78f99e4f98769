package jobs_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
)

// Row 20 of the fault suite (spec/jobs.md section 5).

func TestFaultEndpointAnswers500(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, status(500, "<b>stack</b>\x00\x1b[31m trace"))
	a := newApp(t, v)
	c := newClient(a)
	id := c.enqueue(map[string]any{"kind": "report", "max_attempts": 3})
	for range 5 {
		a.RunJobs()
		a.Clock.Advance(time.Hour)
	}
	j := c.job(id)
	if j.State != "dead" || len(j.Attempts) != 3 || j.Attempts[2].Status != 500 || j.Attempts[0].Snippet != "<b>stack</b>[31m trace" {
		t.Errorf("%+v", j)
	}
	ids := map[string]bool{}
	for _, d := range v.deliveries() {
		ids[d.header.Get("webhook-id")] = true
	}
	if len(ids) != 1 || v.deliveries()[1].header.Get("webhook-timestamp") == v.deliveries()[0].header.Get("webhook-timestamp") {
		t.Error("attempts have the same id and a time of their own")
	}
}

// hang answers nothing until the sender gives up.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// drip answers for ever, a byte at a time.
func drip(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, "x"); err != nil {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestFaultEndpointHangsOrDrips(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{"hangs": hang, "drips": drip} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newReceiver(t, answer)
			a := newApp(t, v)
			began := time.Now()
			j := newClient(a).run(map[string]any{"kind": "report", "timeout_seconds": 1})
			if j.State != "retryable" || !strings.Contains(j.Error, "no whole answer within 1s") || time.Since(began) > time.Minute {
				t.Errorf("after %v: %+v", time.Since(began), j)
			}
		})
	}
}

func TestFaultEndpointAnswersTooMuch(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 1<<20)
	for code, want := range map[int]string{200: "completed", 500: "retryable"} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			v := newReceiver(t, status(code, huge))
			j := newClient(newApp(t, v)).run(map[string]any{"kind": "report"})
			if j.State != want || j.Output != nil || len(j.Attempts[0].Snippet) > 1024 {
				t.Errorf("%+v", j)
			}
		})
	}
	edge := newReceiver(t, status(200, huge[:64<<10]))
	if j := newClient(newApp(t, edge)).run(map[string]any{"kind": "report"}); j.Output == nil || len(*j.Output) != 64<<10 {
		t.Error("an answer of 64 KB is kept")
	}
}

func TestFaultEndpointRedirectsInward(t *testing.T) {
	t.Parallel()
	var reached atomic.Int64
	inside := newReceiver(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	for _, to := range []string{"http://169.254.169.254/latest/meta-data/", inside.URL + "/admin"} {
		v := newReceiver(t, status(307, "", "Location", to))
		j := newClient(newApp(t, v)).run(map[string]any{"kind": "report"})
		if j.State != "retryable" || !strings.Contains(j.Error, "redirects are not followed") || reached.Load() != 0 {
			t.Errorf("%s: %+v", to, j)
		}
	}
}

// rebinding answers the first question for a name with a public address and every
// other with one inside.
func rebinding(t *testing.T, inside string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		for buf, n := make([]byte, 1500), 0; ; {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:size]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Additionals = true, nil
			if q.Type == dnsmessage.TypeA {
				address := inside
				if n++; n == 1 {
					address = "192.0.2.1" // nobody is there; it is refused as well
				}
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body: &dnsmessage.AResource{A: netip.MustParseAddr(address).As4()}}}
			}
			if reply, err := m.Pack(); err == nil {
				conn.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestFaultEndpointRebindsItsName(t *testing.T) {
	t.Parallel()
	for _, inside := range []string{"10.1.2.3", "169.254.169.254"} {
		a := apptest.New(t, func(_ *config.Config, o *app.Options) { o.Resolver = rebinding(t, inside) })
		c := newClient(a)
		c.endpoint("evil", "http://hooks.attacker.example/jobs")
		id := c.enqueue(map[string]any{"kind": "report", "endpoint": "evil"})
		for range 2 {
			a.RunJobs()
			a.Clock.Advance(time.Minute)
		}
		j := c.job(id)
		if j.State != "retryable" || len(j.Attempts) != 2 || !strings.Contains(j.Attempts[0].Error, "192.0.2.1 is not an address of the public network") ||
			!strings.Contains(j.Error, inside+" is not an address of the public network") || strings.Contains(j.Error, "/jobs") {
			t.Errorf("%+v", j)
		}
	}
}

// A hundred jobs for an endpoint that hangs stand in nobody's way: neither of
// another endpoint's nor of our own.
func TestFaultBadEndpointStarvesNoOther(t *testing.T) {
	t.Parallel()
	bad, good := newReceiver(t, hang), newReceiver(t, nil)
	a := newApp(t, good)
	c := newClient(a)
	c.endpoint("bad", bad.URL, "timeout_seconds", 900)
	var batch []map[string]any
	for i := range 100 {
		in := map[string]any{"kind": "stuck", "endpoint": "bad"}
		if i%2 == 0 {
			in["concurrency"] = map[string]any{"key": fmt.Sprint("of its own ", i), "limit": 16}
		}
		batch = append(batch, in)
	}
	c.PostJSON("/-/api/v1/jobs/batch", batch).Want(201)
	a.Must(a.Queue.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // what hangs is given up at once
		a.Queue.Stop(ctx)
	})
	wait(t, "the bad endpoint is busy", func() bool { return len(bad.deliveries()) >= 8 })
	for i := range 20 {
		c.enqueue(map[string]any{"kind": "quick"})
		wait(t, "the good one is served", func() bool { return len(good.deliveries()) == i+1 })
	}
	a.Browser().Post("/-/signup", "name", "Ada", "email", "ada@example.com", "password", apptest.Password).Want(200)
	wait(t, "our own mail leaves", func() bool { return a.Count("email_inbox") > 0 })
	if n := len(bad.deliveries()); n > 8 {
		t.Errorf("%d deliveries at once to the bad one", n)
	}
}

// wait polls, because real workers run; it fails only when something is stuck.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	for began := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 2*time.Minute {
			t.Fatal("never: " + what)
		}
	}
}
