package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"seaworthy/app/auth"
	"seaworthy/app/email"
	"seaworthy/app/email/compose"
	"seaworthy/queue"
	"seaworthy/store"
)

// notice is something that people are told by mail. Its key says what it is about,
// so that it is told once however often the event comes.
type notice struct {
	key, template         string
	customer, org, object string // object: the invoice, subscription or refund
	details               details
	made                  time.Time
	state                 string
}

// details are what a mail says that the tables do not hold.
type details struct {
	Lines  []compose.Row `json:"lines,omitempty"` // What, Amount
	Method string        `json:"method,omitempty"`
	Amount int64         `json:"amount,omitempty"`
	Money  string        `json:"currency,omitempty"`
	Number string        `json:"number,omitempty"`
	Note   string        `json:"note,omitempty"`
	At     int64         `json:"at,omitempty"` // ms
	Plan   string        `json:"plan,omitempty"`
}

// Tell is the job that mails a notice, if it is still true by then.
type Tell struct {
	Notice string `json:"notice"`
	Again  bool   `json:"again,omitempty"` // the job before it gave up; see tellGaveUp
}

// Kind implements queue.Args.
func (Tell) Kind() string { return "billing.tell" }

// notify stores a notice and its job; one that was stored before is left as it is.
func (s *System) notify(tx *store.Tx, n notice) error {
	text, err := json.Marshal(n.details)
	if err != nil {
		return err
	}
	added, err := tx.Exec(`INSERT INTO billing_notice (key, template, customer_id, org_id, object_id, state, details, note, made_at) VALUES (?, ?, ?, ?, ?, 'queued', ?, '', ?)
		ON CONFLICT (key) DO NOTHING`, n.key, n.template, n.customer, n.org, n.object, string(text), tx.Now().UnixMilli())
	if err != nil || added == 0 {
		return err
	}
	_, err = queue.Enqueue(tx, Tell{Notice: n.key})
	return err
}

func noticeByKey(tx *store.Tx, key string) (n notice, err error) {
	var text string
	var made int64
	if err = tx.QueryRow(`SELECT key, template, customer_id, org_id, object_id, state, details, made_at FROM billing_notice WHERE key = ?`, key).
		Scan(&n.key, &n.template, &n.customer, &n.org, &n.object, &n.state, &text, &made); err != nil {
		return n, err
	}
	n.made = at(made)
	return n, json.Unmarshal([]byte(text), &n.details)
}

// wasTold reports whether a notice was made, whatever became of it.
func wasTold(tx *store.Tx, key string) (bool, error) {
	_, err := noticeByKey(tx, key)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

func endNotice(tx *store.Tx, key, state, note string) error {
	return tx.ExecOne(`UPDATE billing_notice SET state = ?, note = ?, ended_at = ? WHERE key = ?`, state, note, tx.Now().UnixMilli(), key)
}

// tell mails a notice to those who can do something about it. What it says is looked
// at once more, in the transaction that hands it over: a payment may have come
// since it was decided.
func (s *System) tell(ctx context.Context, job queue.Job[Tell]) error {
	return job.Complete(ctx, func(tx *store.Tx) error {
		n, err := noticeByKey(tx, job.Args.Notice)
		if err != nil || n.state != "queued" {
			return err
		}
		if err := clearAlarm(tx, alarmUntold, n.key); err != nil {
			return err
		}
		vars, stale, err := s.words(tx, n)
		if err != nil {
			return fmt.Errorf("notice %s: %w", n.key, err)
		}
		if stale != "" {
			return endNotice(tx, n.key, "suppressed", stale)
		}
		people, err := auth.Holders(tx, n.org, permManage)
		if err != nil {
			return err
		}
		if len(people) == 0 {
			return endNotice(tx, n.key, "suppressed", "nobody manages billing there")
		}
		for _, p := range people {
			m := email.Message{To: p.Email, Template: n.template, Vars: map[string]string{"Name": p.Name}, User: p.User, Org: n.org}
			for k, v := range vars {
				m.Vars[k] = v
			}
			if n.details.Lines != nil {
				m.Lists = map[string][]compose.Row{"Lines": n.details.Lines}
			}
			if _, err := s.Mail.Send(tx, m); err != nil {
				return err
			}
		}
		return endNotice(tx, n.key, "sent", "")
	})
}
