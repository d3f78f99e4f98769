package billing_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"seaworthy/queue"
	"seaworthy/store"
)

// lastTry makes what waits of a kind have one attempt left.
func (s *shop) lastTry(kind string) {
	s.T.Helper()
	s.Must(s.DB.Write(s.T.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE queue_job SET max_attempts = attempt + 1 WHERE kind = ? AND state NOT IN ('dead', 'completed')`, kind)
		return err
	}))
}

func outage(*http.Request) *http.Response {
	return &http.Response{StatusCode: 500, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"error":{"type":"api_error"}}`))}
}

const openAlarm = `SELECT coalesce(group_concat(key), '') FROM billing_alarm WHERE cleared_at IS NULL`

// gaveUp has the job that looks at an event die, and fails unless an alarm is open then as said.
func (s *shop) gaveUp(queued, alarm string) {
	s.T.Helper()
	s.lastTry("billing.look")
	s.RunJobs()
	if got := s.tally("queued"); got != queued {
		s.T.Fatal(got)
	}
	if got := s.Query(openAlarm); got != alarm {
		s.T.Fatalf("open alarms: %q, not %q", got, alarm)
	}
	s.Clock.Advance(time.Hour)
}

// An event is acted upon although the job that it has, or that it counts on, is dead; after a
// second death a person is called, until it has been taken over.
func TestAnEventWhoseJobIsDead(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.tell("customer.subscription.updated", "subscription", "sub_1")
	s.tell("customer.subscription.updated", "subscription", "sub_1") // it has no job of its own
	s.stripe.Fails(outage)
	s.gaveUp("2 of 2, jobs 2", "")
	s.gaveUp("2 of 2, jobs 2", "event_left:cus_1")
	s.stripe.Fails(nil)
	s.changed()
	if got := s.tally("done") + ", " + s.state() + s.Query(openAlarm); got != "3 of 3, jobs 3, active" {
		t.Error(got)
	}
}

// Whose a dispute is has to be asked, so the alarm is about itself.
func TestADisputeWhoseJobIsDead(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.stripe.Put("dp_1", object{"object": "dispute", "amount": 4900, "currency": "eur", "status": "won", "created": s.Clock.Now().Unix(), "charge": object{"id": "ch_1", "customer": "cus_1"}})
	s.tell("charge.dispute.created", "dispute", "dp_1")
	s.stripe.Fails(outage)
	s.gaveUp("1 of 1, jobs 2", "")
	s.gaveUp("1 of 1, jobs 2", "event_left:dp_1")
	s.stripe.Fails(nil)
	s.Must(s.Billing.Replay(t.Context(), "evt_1"))
	s.RunJobs()
	if got := s.tally("done") + s.Query(openAlarm); got != "1 of 1, jobs 3" {
		t.Error(got)
	}
}

// A receipt is mailed once although the process died three times around the job that writes it;
// when it dies as often around the second one, a person is called until it is written.
func TestANoticeWhoseJobIsDead(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.subscribe("sub_1", "active", nil)
	s.bill("in_1", "paid", nil)
	s.pause("default")
	s.tell("invoice.paid", "invoice", "in_1")
	s.RunJobs()
	s.dies("billing.tell")
	if got := s.Query(openAlarm); got != "" {
		t.Errorf("an alarm is open: %s", got)
	}
	s.dies("billing.tell")
	if got := s.Query(openAlarm); got != "notice_untold:receipt:in_1" {
		t.Fatalf("open alarms: %s", got)
	}
	last := s.Query(`SELECT id FROM queue_job WHERE kind = 'billing.tell' ORDER BY id DESC LIMIT 1`)
	s.Must(s.DB.Write(t.Context(), func(tx *store.Tx) error { return queue.Replay(tx, last) }))
	s.resume("default")
	s.RunJobs()
	if got := s.Query(`SELECT cast(count(*) AS TEXT) FROM email_message WHERE template = 'billing/receipt'`); got != "1" {
		t.Errorf("%s receipts", got)
	}
	if got := s.Query(openAlarm); got != "" {
		t.Errorf("an alarm stays: %s", got)
	}
}

func (s *shop) pause(name string) {
	s.Must(s.DB.Write(context.Background(), func(tx *store.Tx) error { return queue.Pause(tx, name, "test") }))
}

func (s *shop) resume(name string) {
	s.Must(s.DB.Write(context.Background(), func(tx *store.Tx) error { return queue.Resume(tx, name) }))
}

// dies has the process die for the third time while the job of a kind runs.
func (s *shop) dies(kind string) {
	s.T.Helper()
	s.Must(s.DB.Write(s.T.Context(), func(tx *store.Tx) error {
		return tx.ExecOne(`UPDATE queue_job SET state = 'running', lease = 'of another run', crashes = 2, attempt = 3, started_at = ? WHERE kind = ? AND state = 'available'`, tx.Now().UnixMilli(), kind)
	}))
	s.Must(s.Queue.Rescue(s.T.Context()))
}
