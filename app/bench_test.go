package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// serve runs the app as production does: real clock, workers, Litestream to a
// file replica, synchronous=FULL. Only the password hash is cheap, so that what
// is measured is everything else.
func serve(b *testing.B) (url string, client *http.Client) {
	b.Helper()
	return serveWith(b, auth.NewCheapHasher())
}

// serveWith is serve with a hasher of the caller's, and what else he sets.
func serveWith(b *testing.B, hasher *auth.Hasher, more ...apptest.Option) (url string, client *http.Client) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cfg := config.Config{Addr: addr, Data: filepath.Join(b.TempDir(), "data"), Brand: "Acme", LogLevel: "error", RateLimits: "off",
		Grace: 20 * time.Second, MailFrom: "Acme <hello@acme.example>"}
	o := app.Options{Hasher: hasher, Log: slog.New(slog.DiscardHandler), Extend: noteRoute}
	for _, set := range more {
		set(&cfg, &o)
	}
	if err := cfg.Validate(); err != nil {
		b.Fatal(err)
	}
	a, err := app.New(context.Background(), cfg, o)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	started, stopped := make(chan struct{}), make(chan error, 1)
	go func() { stopped <- a.Run(ctx, func(app.Serving) { close(started) }) }()
	select {
	case <-started:
	case err := <-stopped:
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			b.Error(err)
		}
	})
	return cfg.URL, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
}

// note is the smallest full write: one row, one audit event, one job.
type note struct {
	Text string `json:"text"`
}

func (note) Kind() string { return "bench.note" }

func noteRoute(a *app.App) app.Extension {
	write := func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Decode[note](r)
		if err != nil {
			return err
		}
		id, err := store.Write(r.Context(), a.DB, func(tx *store.Tx) (string, error) {
			id := tx.NewID("note")
			if err := store.SetMeta(tx, id, in.Text); err != nil {
				return "", err
			}
			if _, err := queue.Enqueue(tx, in); err != nil {
				return "", err
			}
			return id, a.Audit.Record(tx, audit.Event{Action: "note.created", Targets: []audit.Ref{{Type: "note", ID: id}}})
		})
		if err != nil {
			return err
		}
		return web.JSON(w, http.StatusCreated, map[string]string{"id": id})
	}
	return app.Extension{
		Routes:  []web.Route{{Method: "POST", Pattern: "/-/api/v1/notes", Access: web.Public, Handler: write, Audit: []string{"note.created"}}},
		Jobs:    func(q *queue.Queue) { queue.Handle(q, func(context.Context, queue.Job[note]) error { return nil }) },
		Actions: []audit.Kind{{Action: "note.created", Title: "Note made", Means: "A note was written."}},
	}
}

// BenchmarkFullWrite is a row, its audit event and its job through HTTP, durable,
// from 64 clients, while the jobs run.
func BenchmarkFullWrite(b *testing.B) {
	url, client := serve(b)
	var l latencies
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			started := time.Now()
			res, err := client.Post(url+"/-/api/v1/notes", "application/json", strings.NewReader(`{"text":"a few words that stand for a row of a business application"}`))
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusCreated {
				b.Errorf("status %d", res.StatusCode)
			}
			l.add(time.Since(started))
		}
	})
	l.report(b)
}

// latencies collects how long requests took.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	l.all = append(l.all, d)
	l.mu.Unlock()
}

func (l *latencies) report(b *testing.B) {
	slices.Sort(l.all)
	b.ReportMetric(float64(len(l.all))/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64(l.all[len(l.all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(l.all[len(l.all)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkSignUp is the full write through HTTP: user, address, org, membership,
// role, device, session, token, message, audit event and job, in one durable
// transaction, from 64 clients, while the jobs send the mails.
func BenchmarkSignUp(b *testing.B) {
	url, client := serve(b)
	var n atomic.Int64
	var l latencies
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			body := fmt.Sprintf(`{"name":"Ada","email":"u%d@example.com","password":%q}`, n.Add(1), apptest.Password)
			started := time.Now()
			res, err := client.Post(url+"/-/api/v1/signup", "application/json", bytes.NewReader([]byte(body)))
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusCreated {
				b.Errorf("status %d", res.StatusCode)
			}
			l.add(time.Since(started))
		}
	})
	l.report(b)
}

// signUp signs somebody up and returns the cookies.
func signUp(b *testing.B, url string, client *http.Client) []*http.Cookie {
	b.Helper()
	res, err := client.Post(url+"/-/api/v1/signup", "application/json", strings.NewReader(
		fmt.Sprintf(`{"name":"Ada","email":"ada@example.com","password":%q}`, apptest.Password)))
	if err != nil || res.StatusCode != http.StatusCreated {
		b.Fatal(res, err)
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	return res.Cookies()
}

// tokens reads the token response of a request.
func tokens(res *http.Response, err error) (t apptest.Tokens, _ error) {
	if err != nil {
		return t, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return t, fmt.Errorf("status %d", res.StatusCode)
	}
	return t, json.NewDecoder(res.Body).Decode(&t)
}

// signInProgram signs that somebody in as a program.
func signInProgram(b *testing.B, url string, client *http.Client) apptest.Tokens {
	b.Helper()
	t, err := tokens(client.Post(url+"/-/api/v1/login", "application/json", strings.NewReader(fmt.Sprintf(`{"email":"ada@example.com","password":%q}`, apptest.Password))))
	if err != nil {
		b.Fatal(err)
	}
	return t
}

// BenchmarkRefresh is the rotation of refresh tokens through HTTP, durable, each
// of 64 clients with a session of its own.
func BenchmarkRefresh(b *testing.B) {
	address, client := serve(b)
	signUp(b, address, client)
	sessions := make(chan string, 32*runtime.GOMAXPROCS(0))
	for range cap(sessions) {
		sessions <- signInProgram(b, address, client).Refresh
	}
	var l latencies
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for token := <-sessions; pb.Next(); {
			started := time.Now()
			t, err := tokens(client.PostForm(address+"/-/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}))
			if err != nil {
				b.Error(err)
				return
			}
			token = t.Refresh
			l.add(time.Since(started))
		}
	})
	l.report(b)
}

// BenchmarkLogin is a sign-in by password at its real cost, durable, from as many
// clients as there are cores.
func BenchmarkLogin(b *testing.B) {
	h := auth.NewHasher(0)
	h.UseProcesses([]string{"/proc/self/exe", "hash-passwords"}, func(err error) { b.Error(err) })
	b.Cleanup(h.Close)
	address, client := serveWith(b, h)
	signUp(b, address, client)
	var l latencies
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			started := time.Now()
			if _, err := tokens(client.Post(address+"/-/api/v1/login", "application/json",
				strings.NewReader(fmt.Sprintf(`{"email":"ada@example.com","password":%q}`, apptest.Password)))); err != nil {
				b.Error(err)
				return
			}
			l.add(time.Since(started))
		}
	})
	l.report(b)
}

// BenchmarkMe is a signed-in read of the API, with a session cookie and with an
// access token, from 64 clients.
func BenchmarkMe(b *testing.B) {
	b.Run("cookie", func(b *testing.B) {
		url, client := serve(b)
		cookies := signUp(b, url, client)
		benchmarkMe(b, url, client, func(r *http.Request) {
			for _, c := range cookies {
				r.AddCookie(c)
			}
		})
	})
	b.Run("bearer", func(b *testing.B) {
		url, client := serve(b)
		signUp(b, url, client)
		access := signInProgram(b, url, client).Access
		benchmarkMe(b, url, client, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access) })
	})
}

func benchmarkMe(b *testing.B, url string, client *http.Client, authorize func(*http.Request)) {
	benchmarkGet(b, url+"/-/api/v1/me", client, authorize)
}

// benchmarkGet reads an address from 64 clients.
func benchmarkGet(b *testing.B, url string, client *http.Client, authorize func(*http.Request)) {
	var l latencies
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, _ := http.NewRequest("GET", url, nil)
			authorize(r)
			started := time.Now()
			res, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				b.Errorf("status %d", res.StatusCode)
			}
			l.add(time.Since(started))
		}
	})
	l.report(b)
}
