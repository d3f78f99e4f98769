package email_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/store"
)

// BenchmarkWebhook stores signed batches of 100 events of SendGrid, each batch one
// durable transaction, joined to messages; one event in fifty is a bounce. Clients
// post four at a time. The replay posts one batch that is known.
func BenchmarkWebhook(b *testing.B) {
	const batch, messages = 100, 10_000
	m := apptest.NewMailProviders(b)
	a := apptest.New(b, apptest.WithoutLimits, m.Configure)
	for start := 0; start < messages; start += 1000 {
		a.Must(a.DB.Write(b.Context(), func(tx *store.Tx) error {
			for i := start; i < start+1000; i++ {
				to := fmt.Sprintf("p%d@example.com", i)
				if _, err := tx.Exec(`INSERT INTO email_message (id, stream, class, template, locale, recipient, recipient_norm, status, provider, provider_id, created_at)
					VALUES (?, 'broadcast', 'product', 'x', 'en', ?, ?, 'sent', 'sendgrid', ?, 0)`, fmt.Sprintf("msg_%06d", i), to, to, fmt.Sprint("m", i)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	var n atomic.Int64
	request := func(from int64) *http.Request {
		events := make([]object, batch)
		for i := range events {
			k := from*batch + int64(i)
			who := k % messages
			events[i] = object{"event": "delivered", "email": fmt.Sprintf("p%d@example.com", who), "sg_event_id": fmt.Sprint("e", k), "sg_message_id": fmt.Sprintf("m%d.recvd-1", who),
				"timestamp": 1764000000, "response": "250 OK", "smtp-id": "<x@acme.example>", "category": []string{"digest"}}
			if i%50 == 49 {
				events[i]["event"], events[i]["type"], events[i]["reason"] = "bounce", "bounce", "550 5.1.1 unknown"
			}
		}
		body, _ := json.Marshal(events)
		r := httptest.NewRequest("POST", "/-/webhooks/sendgrid", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		for k, v := range m.SignSendGrid(a.Clock.Now(), string(body)) {
			r.Header.Set(k, v)
		}
		return r
	}
	run := func(b *testing.B, next func() int64) {
		b.SetParallelism(2)
		start := time.Now()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				w := httptest.NewRecorder()
				if a.Web.ServeHTTP(w, request(next())); w.Code != 200 {
					b.Errorf("%d %s", w.Code, w.Body)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)*batch/time.Since(start).Seconds(), "events/s")
	}
	b.Run("new", func(b *testing.B) { run(b, func() int64 { return n.Add(1) }) })
	b.Run("replay", func(b *testing.B) { run(b, func() int64 { return 1 }) })
}
