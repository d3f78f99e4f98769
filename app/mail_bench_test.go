package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/app/email/post"
	"seaworthy/store"
)

// BenchmarkMailDelivery sends mails from the queue to a Postmark on this machine:
// rendered, posted, with attempt, events, audit event and durable status, Litestream
// running. The second one hands in fifty a second and tells how long each takes from
// its commit to the post.
func BenchmarkMailDelivery(b *testing.B) {
	var mu sync.Mutex
	posted := map[string]time.Time{}
	var taken atomic.Int64
	postmark := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		n := taken.Add(1)
		fmt.Fprintf(w, `{"MessageID":"p-%d","ErrorCode":0}`, n)
	}))
	defer postmark.Close()
	p, err := post.NewPostmark("a-token-of-a-server-at-postmark-00000", nil, post.Options{URL: postmark.URL})
	if err != nil {
		b.Fatal(err)
	}
	cfg := config.Config{Addr: "127.0.0.1:0", URL: "http://127.0.0.1:1", Data: filepath.Join(b.TempDir(), "data"), Brand: "Acme", LogLevel: "error", RateLimits: "off",
		Grace: 20 * time.Second, MailFrom: "Acme <hello@acme.example>"}
	if err := cfg.Validate(); err != nil {
		b.Fatal(err)
	}
	timed := timedCarrier{p, func(id string) { mu.Lock(); posted[id] = time.Now(); mu.Unlock() }}
	a, err := app.New(context.Background(), cfg, app.Options{Hasher: auth.NewCheapHasher(), Log: slog.New(slog.DiscardHandler), Carriers: []post.Provider{timed}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	started, stopped := make(chan struct{}), make(chan error, 1)
	go func() { stopped <- a.Run(ctx, func(app.Serving) { close(started) }) }()
	<-started
	defer func() { stop(); <-stopped }()
	send := func(n int) (ids []string) {
		err := a.DB.Write(ctx, func(tx *store.Tx) error {
			ids = ids[:0]
			for i := range n {
				id, err := a.Email.Send(tx, email.Message{To: fmt.Sprintf("u%d@example.com", i), Template: "auth/export_ready", Vars: map[string]string{"Name": "Ada", "URL": "https://example.com/", "Date": "22 Nov 2026"}})
				if err != nil {
					return err
				}
				ids = append(ids, id)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		return ids
	}
	unsent := func() (n int) {
		err := a.DB.Read(ctx, func(tx *store.Tx) error {
			return tx.QueryRow(`SELECT count(*) FROM (SELECT id FROM email_message WHERE status = 'queued' LIMIT 1)`).Scan(&n)
		})
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	b.Run("burst", func(b *testing.B) {
		for left := b.N; left > 0; left -= 200 {
			send(min(left, 200))
		}
		for unsent() > 0 {
			time.Sleep(time.Millisecond)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	})
	b.Run("steady", func(b *testing.B) {
		var took []time.Duration
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		began := map[string]time.Time{}
		for range b.N {
			<-tick.C
			for _, id := range send(1) {
				began[id] = time.Now()
			}
		}
		for unsent() > 0 {
			time.Sleep(time.Millisecond)
		}
		mu.Lock()
		defer mu.Unlock()
		for id, at := range began {
			took = append(took, posted[id].Sub(at))
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	})
}

// timedCarrier tells when a message is posted.
type timedCarrier struct {
	post.Provider
	told func(id string)
}

func (c timedCarrier) Send(ctx context.Context, m post.Message) (post.Receipt, error) {
	c.told(m.ID)
	return c.Provider.Send(ctx, m)
}
