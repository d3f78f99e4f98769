package app_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
)

// flagged is an app with fifty flags that browsers may see, and a server's key.
func flagged(b *testing.B) (a *apptest.App, secret string, client *http.Client) {
	b.Helper()
	a = apptest.New(b, apptest.WithoutLimits)
	editor := a.Key("flags:*")
	for i := range 50 {
		editor.Do("PUT", fmt.Sprintf("/-/api/v1/flags/flag-%d", i), "application/json", `{"definition":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off",
			"targeting":{"if":[{"==":[{"var":"tier"},"gold"]},"on",{"fractional":[["on",25],["off",75]]}]},"x-seaworthy":{"clientVisible":true,"offVariant":"off"}}}`).Want(201)
	}
	return a, strings.TrimPrefix(a.Key("flags:evaluate").Header.Get("Authorization"), "Bearer "), &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
}

// BenchmarkOFREP is the goal G2 of spec/flags.md: single and bulk, key and log included.
func BenchmarkOFREP(b *testing.B) {
	a, secret, client := flagged(b)
	for name, path := range map[string]string{"single": "/flag-7", "bulk of 50": ""} {
		b.Run(name, func(b *testing.B) {
			var l latencies
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					started := time.Now()
					r, _ := http.NewRequest("POST", a.URL+"/-/ofrep/v1/evaluate/flags"+path, strings.NewReader(`{"context":{"targetingKey":"user-1","tier":"silver"}}`))
					r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + secret}}
					res, err := client.Do(r)
					if err != nil || res.StatusCode != 200 {
						b.Error(res, err)
						return
					}
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
					l.add(time.Since(started))
				}
			})
			l.report(b)
		})
	}
}

// BenchmarkKill is the goal G3: from the commit of a kill to a thousand clients that listen.
func BenchmarkKill(b *testing.B) {
	const listeners = 1000
	a, secret, client := flagged(b)
	r, _ := http.NewRequest("POST", a.URL+"/-/ofrep/v1/evaluate/flags", strings.NewReader(`{"context":{}}`))
	r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + secret}}
	res, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	_, rest, found := strings.Cut(string(body), `"url":"`)
	url, _, _ := strings.Cut(rest, `"`)
	if err != nil || !found {
		b.Fatal(err, string(body))
	}
	a.Clock.Advance(time.Minute)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	heard := make(chan time.Time, listeners)
	var ready, all sync.WaitGroup
	for range listeners {
		ready.Add(1)
		all.Go(func() {
			r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
			r.Header.Set("Accept", "text/event-stream")
			res, err := http.DefaultClient.Do(r)
			if err != nil || res.StatusCode != 200 {
				b.Error(res, err)
				ready.Done()
				return
			}
			defer res.Body.Close()
			lines, opened := bufio.NewScanner(res.Body), false
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "id:") && !opened {
					opened = true
					ready.Done()
				}
				if strings.HasPrefix(lines.Text(), "data:") {
					heard <- time.Now()
				}
			}
		})
	}
	ready.Wait()
	var l latencies
	on := false
	for b.Loop() {
		on = !on
		_, err := a.Flags.SetKill(ctx, on, nil, "the benchmark says so")
		committed := time.Now() // a little after the commit, when its maker hears of it
		if err != nil {
			b.Fatal(err)
		}
		for range listeners {
			l.add(max(0, (<-heard).Sub(committed)))
		}
		time.Sleep(300 * time.Millisecond) // what comes sooner is one change to a listener
	}
	l.report(b)
	cancel()
	all.Wait()
}
