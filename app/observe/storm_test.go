package observe_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/store"
)

// loop is a panic in a handler as the server reports it, with its stack.
func loop(i int) web.Fault {
	return web.Fault{Status: 500, Method: "GET", Route: "GET /-/test/loop", Err: &web.PanicError{Value: fmt.Sprintf("row %d is missing", i),
		Stack: "goroutine 7 [running]:\nruntime/debug.Stack()\n\t/go/src/runtime/debug/stack.go:26 +0x5e\npanic({0x1, 0x2})\n\t/go/src/runtime/panic.go:792 +0x132\nseaworthy/app/test.load(...)\n\t/src/app/test/load.go:14 +0x1d\n"}}
}

// Fault 1 at full strength: as many panics as ten thousand a second make in ten seconds, while the writer
// and the looks go on. One issue, every one of them counted, at most 40 bodies, one alert, one mail; and
// whoever writes to the business database meanwhile is served.
func TestFault01HundredThousandPanicsAreOneAlert(t *testing.T) {
	t.Parallel()
	a, _ := watched(t)
	a.Key("alerts:*").Do("PATCH", "/-/api/v1/alert-rules/error_burst", "application/json", `{"enabled":false}`).Want(200)
	a.RunJobs()
	a.Forget()
	const each, loops = 25_000, 4
	ctx, stop := context.WithCancel(t.Context())
	var owned, storm sync.WaitGroup
	owned.Go(func() { a.Observe.Run(ctx) })
	for range loops {
		storm.Go(func() {
			for i := range each {
				a.Observe.Fault(t.Context(), loop(i))
			}
		})
	}
	over := make(chan struct{})
	go func() { storm.Wait(); close(over) }()
	writes := 0
	for busy := true; busy; writes++ {
		select {
		case <-over:
			busy = false
		default:
		}
		a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { return store.SetMeta(tx, "storm", fmt.Sprint(writes)) }))
		if writes%20 == 0 {
			a.Must(a.Observe.Look(t.Context()))
		}
	}
	stop()
	owned.Wait()
	later(a, 5*time.Minute)
	d := only(t, a)
	if d.N != each*loops || len(d.Events) > 40 {
		t.Errorf("%d counted, %d bodies", d.N, len(d.Events))
	}
	if got := firing(a); len(got) != 1 || !strings.HasPrefix(got[0], "New error: panic: row ") {
		t.Errorf("%v fire", got)
	}
	told := 0
	for _, m := range a.Mails(grace) {
		if strings.HasPrefix(m.Subject, "New error: panic") {
			told++
		}
	}
	if told != 1 || a.Count("observe_alert") != 1 || a.Count("observe_delivery") != 1 {
		t.Errorf("%d mails, %d alerts, %d deliveries", told, a.Count("observe_alert"), a.Count("observe_delivery"))
	}
}

// BenchmarkBusinessWriteInStorm is a durable write to the business database while nothing else happens, and
// while ten thousand panics a second are taken; p99-us is what is compared (fault 1: at most twice as much).
func BenchmarkBusinessWriteInStorm(b *testing.B) {
	for _, panics := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("panics=%d", panics), func(b *testing.B) {
			a, err := app.New(b.Context(), config.Config{Data: b.TempDir(), Replica: "off", LogLevel: "error", URL: "http://127.0.0.1", MailFrom: "a@b.example", RateLimits: "off"}, app.Options{Hasher: auth.NewCheapHasher()})
			if err != nil {
				b.Fatal(err)
			}
			defer a.Close()
			ctx, stop := context.WithCancel(b.Context())
			var owned sync.WaitGroup
			owned.Go(func() { a.Observe.Run(ctx) })
			owned.Go(func() { a.Observe.Watch(ctx) })
			if panics > 0 {
				owned.Go(func() {
					tick := time.NewTicker(time.Millisecond)
					defer tick.Stop()
					for i := 0; ctx.Err() == nil; i++ {
						<-tick.C
						for range panics / 1000 {
							a.Observe.Fault(ctx, loop(i))
						}
					}
				})
			}
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if err := a.DB.Write(ctx, func(tx *store.Tx) error { return store.SetMeta(tx, "storm", fmt.Sprint(len(took))) }); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			stop()
			owned.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
		})
	}
}
