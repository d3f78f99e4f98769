package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"seaworthy/app/webhook"
	"seaworthy/queue"
	"seaworthy/store"
)

// tellChannel is the job that makes a delivery.
type tellChannel struct {
	Delivery string `json:"delivery"`
}

// Kind implements queue.Args.
func (tellChannel) Kind() string { return "observe.tell" }

// Queue is where alerts are told, apart from everything that may be late.
const Queue = "alerts"

// tellAttempts is how often a channel is tried before what it was to be told goes another way.
const tellAttempts = 4

// Jobs registers what alerts do in the background.
func (s *System) Jobs(q *queue.Queue) {
	queue.Handle(q, s.tell, queue.Backoff(queue.Steps(10*time.Second, 30*time.Second, 2*time.Minute)))
}

// tell makes a delivery. It never becomes a dead letter or an issue, which would be alerted of in turn:
// when it fails for the last time the delivery says so, and other channels are told.
func (s *System) tell(ctx context.Context, job queue.Job[tellChannel]) error {
	var d Delivery
	var c Channel
	var t telling
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if d, err = deliveryByID(tx, job.Args.Delivery); err != nil {
			return err
		}
		if c, err = channelByID(tx, d.Channel); err != nil {
			return err
		}
		t, err = tellingOf(tx, d)
		return err
	})
	if ignoreGone(err) == nil && err != nil || err == nil && d.State != "queued" {
		return nil // the channel was deleted meanwhile, or the delivery was made before
	}
	if err == nil && !d.Test && len(t.firing)+len(t.over) == 0 {
		return job.Complete(ctx, func(tx *store.Tx) error { return setDelivery(tx, d.ID, "sent", "") })
	}
	if err == nil {
		if c.Kind == "mail" {
			err = job.Complete(ctx, func(tx *store.Tx) error { return s.mail(tx, d, c, t) })
		} else if err = s.post(ctx, d, c, t); err == nil {
			return job.Complete(ctx, func(tx *store.Tx) error { return setDelivery(tx, d.ID, "sent", "") })
		}
	}
	if err == nil || job.Attempt < tellAttempts {
		return err
	}
	why := err.Error()
	return job.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error { return s.fallBack(tx, d, why) })
}

// Operator is somebody who is told of alerts.
type Operator struct{ User, Address string }

// mail hands one mail to each who is to get it over to email, whose job it is from then on.
func (s *System) mail(tx *store.Tx, d Delivery, c Channel, t telling) error {
	to := []Operator{}
	for _, address := range strings.Fields(c.To) {
		to = append(to, Operator{Address: address})
	}
	if len(to) == 0 && s.Outside.Operators != nil {
		all, err := s.Outside.Operators(tx)
		if err != nil {
			return err
		}
		to = all
	}
	if len(to) == 0 {
		return s.fallBack(tx, d, "there is no operator with an address that is verified")
	}
	letter := s.letter(d, c, t, tx.Now())
	for _, one := range to {
		letter.To, letter.User = one.Address, one.User
		message, err := s.Outside.Mail(tx, letter)
		if err != nil {
			return fmt.Errorf("mail of alerts: %w", err)
		}
		if err := addAlertMail(tx, message, d.ID); err != nil {
			return err
		}
	}
	return setDelivery(tx, d.ID, "mailing", "")
}

// post sends it to an address, signed as Standard Webhooks says, or as chats understand it.
func (s *System) post(ctx context.Context, d Delivery, c Channel, t telling) error {
	address, err := s.openAddress(c)
	if err != nil {
		return err
	}
	body, err := s.body(d, c, t)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the address of the channel cannot be used") // the address is a secret
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Seaworthy")
	if c.Kind == "webhook" {
		raw, err := opened(s.Outside.Keys, "alert-secret", c.ID, c.secret)
		if err != nil {
			return err
		}
		secret, err := webhook.ParseSecret(raw)
		if err != nil {
			return err
		}
		webhook.Sign(r.Header, d.ID, s.DB.Now(), body, secret)
	}
	transport := s.Outside.Dialer.Transport()
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("%s did not answer: %w", r.URL.Hostname(), plainly(err))
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("%s answered %d", r.URL.Hostname(), res.StatusCode)
	}
	return nil
}

// posted is the body of a webhook.
type posted struct {
	Type      string    `json:"type"` // alert.test, alert.fired, alert.resolved, or alert.digest for several
	Timestamp time.Time `json:"timestamp"`
	Data      struct {
		Title    string        `json:"title"`
		URL      string        `json:"url"`
		Firing   []postedAlert `json:"firing"`
		Resolved []postedAlert `json:"resolved"`
		More     int           `json:"more,omitempty"` // that fire and are not listed
	} `json:"data"`
}

// postedAlert is an alert with the whole addresses of its pages.
type postedAlert struct {
	Alert
	State string `json:"state"`
	URL   string `json:"url"`
}

func (s *System) body(d Delivery, c Channel, t telling) ([]byte, error) {
	p := posted{Type: "alert.digest", Timestamp: d.At}
	p.Data.URL, p.Data.Firing, p.Data.Resolved = s.URL+alertsBase, []postedAlert{}, []postedAlert{}
	switch {
	case d.Test:
		p.Type, p.Data.Title = "alert.test", "This is a test of the channel "+c.Name+". Nothing is wrong."
	case len(t.firing) == 1 && len(t.over) == 0:
		p.Type = "alert.fired"
	case len(t.firing) == 0 && len(t.over) == 1:
		p.Type = "alert.resolved"
	}
	if !d.Test {
		p.Data.Title = t.title()
	}
	whole := func(a Alert) postedAlert { return postedAlert{a, a.State(), s.URL + alertsBase + "/" + a.ID} }
	for _, a := range t.firing[:min(len(t.firing), 2*mostListed)] {
		p.Data.Firing = append(p.Data.Firing, whole(a))
	}
	p.Data.More = max(0, len(t.firing)-2*mostListed)
	for _, a := range t.over[:min(len(t.over), 2*mostListed)] {
		p.Data.Resolved = append(p.Data.Resolved, whole(a))
	}
	if c.Kind == "slack" {
		return json.Marshal(map[string]string{"text": s.chat(p)})
	}
	return json.Marshal(p)
}

// chatText hides what Slack's mrkdwn would read as a link or a mention (its reference on formatting text).
var chatText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// chat is the message for Slack and what understands the same JSON.
func (s *System) chat(p posted) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%s*", chatText.Replace(p.Data.Title))
	for _, a := range p.Data.Firing[:min(len(p.Data.Firing), mostListed)] {
		mark := ":warning:"
		if a.Critical {
			mark = ":rotating_light:"
		}
		fmt.Fprintf(&b, "\n%s <%s|%s>", mark, a.URL, chatText.Replace(a.Title))
		if a.Number != "" {
			fmt.Fprintf(&b, " (%s)", chatText.Replace(a.Number))
		}
		fmt.Fprintf(&b, "\n%s Since %s.", chatText.Replace(a.Detail), a.FiredAt.UTC().Format(stamp))
		if release := s.releaseOf(a.Alert); release != "" {
			fmt.Fprintf(&b, " Release %s.", chatText.Replace(release))
		}
	}
	for _, a := range p.Data.Resolved[:min(len(p.Data.Resolved), mostListed)] {
		fmt.Fprintf(&b, "\n:white_check_mark: <%s|%s> is over, after %s.", a.URL, chatText.Replace(a.Title), lasted(a.Alert))
	}
	if len(p.Data.Firing)+len(p.Data.Resolved) > 1 {
		fmt.Fprintf(&b, "\n<%s|All alerts>", p.Data.URL)
	}
	return b.String()
}

// plainly is an error of a call without the address that was called, which may be a secret.
func plainly(err error) error {
	var call *url.Error
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}

// ignoreGone is for what was deleted meanwhile.
func ignoreGone(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
