package app_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/outbox"
	"seaworthy/queue"
	"seaworthy/store"
)

// A row that the app commits to its own file is a job here, with its event, and
// health and metrics tell of it.
func TestOutboxOfTheApp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	a := apptest.New(t, func(c *config.Config, _ *app.Options) {
		c.Outbox, c.AppJobsURL = []string{path}, "http://127.0.0.1:9/jobs"
	})
	shop, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)")
	a.Must(err)
	t.Cleanup(func() { shop.Close() })
	exec := func(query string) {
		t.Helper()
		_, err := shop.Exec(query)
		a.Must(err)
	}
	exec(outbox.DDL)
	exec(`INSERT INTO seaworthy_outbox (id, kind, args, key) VALUES ('one', 'email.deliver', '{"n":1}', 'k'), ('bad', 'x', '{', NULL)`)

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); a.Outbox.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	limit := time.After(30 * time.Second)
	for tick := time.Tick(5 * time.Millisecond); a.Outbox.Status()[0].Bad != 1 || a.Outbox.Status()[0].State != outbox.Watching; {
		select {
		case <-tick:
		case <-limit:
			t.Fatalf("%+v", a.Outbox.Status())
		}
	}
	list, err := store.Read(t.Context(), a.DB, func(tx *store.Tx) ([]queue.Record, error) {
		return queue.List(tx, queue.Filter{Kind: "email.deliver", Limit: 9})
	})
	a.Must(err)
	// It has the kind of one of our own jobs, and is none.
	if len(list) != 1 || list[0].Endpoint == "" || list[0].Source != "outbox:shop" || list[0].Idempotency != "one" || string(list[0].Args) != `{"n":1}` {
		t.Errorf("%+v", list)
	}
	a.Expect(apptest.Happened{Audit: []string{"outbox.relayed"}, Jobs: []string{"email.deliver"}})

	health := ""
	for _, h := range a.Health() {
		health += fmt.Sprint(h.Name, " ", h.Kind, " ", h.Word, " ", h.Detail, "\n")
	}
	if !strings.Contains(health, "Outbox warn Bad rows shop: 1 rows cannot be jobs; the newest: args is no valid JSON") {
		t.Error(health)
	}
	res, err := http.Get(a.URL + "/-/metrics")
	a.Must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	a.Must(err)
	for _, want := range []string{`seaworthy_outbox_relayed_total{file="shop"} 1`, `seaworthy_outbox_bad{file="shop"} 1`, `seaworthy_outbox_watching{file="shop"} 1`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}
