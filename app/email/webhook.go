package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"seaworthy/app/audit"
	"seaworthy/app/email/feedback"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// Feedback is who may tell what became of messages; a nil provider is not
// configured, and its webhook is not there.
type Feedback struct {
	Postmark *feedback.Postmark
	SES      *feedback.SES
	SendGrid *feedback.SendGrid
	Outside  http.RoundTripper // by which a topic's subscription is confirmed; it refuses addresses of the own network
}

// The most that a provider sends in one request, in bytes: a message of SNS is
// 256 KB, a bounce of Postmark's may have the mail with it, SendGrid sends lists.
const (
	maxPostmark = 1 << 20
	maxSNS      = 512 << 10
	maxSendGrid = 4 << 20
)

func (s *System) webhookRoutes() []web.Route {
	audits := []string{string(actBounced), string(actComplained), string(actSuppressed), string(actUnsubscribed)}
	hook := func(name string, body int64, h web.Handler) web.Route {
		return web.Route{Method: "POST", Pattern: "/-/webhooks/" + name, Access: web.Public, Anywhere: true, Body: body, Handler: h, Audit: audits}
	}
	return []web.Route{hook("postmark", maxPostmark, s.postmarkHook), hook("ses", maxSNS, s.sesHook), hook("sendgrid", maxSendGrid, s.sendgridHook)}
}

func (s *System) postmarkHook(w http.ResponseWriter, r *http.Request) error {
	p := s.Feedback.Postmark
	if p == nil {
		return web.ErrNotFound
	}
	if err := p.Verify(r, web.OriginOf(r.Context()).Addr); err != nil {
		return s.refuseHook(r, "postmark", err)
	}
	body, err := wholeBody(r)
	if err != nil {
		return err
	}
	events, err := p.Parse(body)
	return s.accept(w, r, "postmark", events, err)
}

func (s *System) sendgridHook(w http.ResponseWriter, r *http.Request) error {
	g := s.Feedback.SendGrid
	if g == nil {
		return web.ErrNotFound
	}
	body, err := wholeBody(r)
	if err != nil {
		return err
	}
	if err := g.Verify(r.Header, body, s.DB.Now()); err != nil {
		return s.refuseHook(r, "sendgrid", err)
	}
	events, err := g.Parse(body)
	return s.accept(w, r, "sendgrid", events, err)
}

func (s *System) sesHook(w http.ResponseWriter, r *http.Request) error {
	if s.Feedback.SES == nil {
		return web.ErrNotFound
	}
	body, err := wholeBody(r)
	if err != nil {
		return err
	}
	e, err := s.Feedback.SES.Open(r.Context(), r.Header, body)
	if err != nil {
		return s.refuseHook(r, "ses", err)
	}
	switch e.Type {
	case feedback.Subscribed:
		if _, err := feedback.ConfirmURL(e.TopicArn, e.Token); err != nil {
			return s.refuseHook(r, "ses", err)
		}
		err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
			_, err := queue.Enqueue(tx, ConfirmTopic{Topic: e.TopicArn, Token: e.Token}, queue.Unique(e.TopicArn+" "+e.MessageID, 10*time.Minute))
			return err
		})
		if err != nil {
			return err
		}
		return s.accept(w, r, "ses", nil, nil)
	case feedback.Unhooked:
		s.Log.WarnContext(r.Context(), "a topic of Amazon SNS no longer tells what becomes of mail", "topic", e.TopicArn)
		return s.accept(w, r, "ses", nil, nil)
	}
	events, err := s.Feedback.SES.Parse(e)
	return s.accept(w, r, "ses", events, err)
}

// accept stores what was told in one durable transaction and only then answers.
func (s *System) accept(w http.ResponseWriter, r *http.Request, provider string, events []feedback.Event, err error) error {
	if err != nil {
		return s.refuseHook(r, provider, err)
	}
	var t taken
	if len(events) > 0 {
		if t, err = store.Write(r.Context(), s.DB, func(tx *store.Tx) (taken, error) { return s.take(tx, events) }); err != nil {
			return err
		}
	}
	return web.JSON(w, http.StatusOK, map[string]int{"stored": t.fresh, "known": t.repeated})
}

// refuseHook says why a webhook was not taken, to the log and by the status.
func (s *System) refuseHook(r *http.Request, provider string, err error) error {
	out := &web.Error{Err: err}
	switch {
	case errors.Is(err, feedback.ErrUnauthorized):
		out.Status, out.Code, out.Public = http.StatusUnauthorized, "bad_signature", "This webhook is not signed as it should be."
		out.Challenge = `Basic realm="webhooks"`
	case errors.Is(err, feedback.ErrForeign):
		out.Status, out.Code, out.Public = http.StatusForbidden, "foreign_topic", "This topic is not one that is configured here."
	case errors.Is(err, feedback.ErrMalformed):
		out.Status, out.Code, out.Public = http.StatusBadRequest, "malformed", "This is not what the provider sends: "+err.Error()+"."
	case store.Retryable(err):
		return err
	default:
		out.Status, out.Code, out.RetryAfter = http.StatusServiceUnavailable, "unverified", 30*time.Second
		out.Public = "The signature could not be verified just now. Send it again."
	}
	s.Log.WarnContext(r.Context(), "a mail provider's webhook was refused", slog.String("provider", provider), slog.Int("status", out.Status), slog.Any("err", err))
	return out
}

// wholeBody reads all of a body, bounded by the route: signatures are over the bytes
// as they came.
func wholeBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		err = &web.Error{Status: http.StatusBadRequest, Code: "incomplete_body", Public: "The body ended early.", Err: err}
	}
	return body, err
}

// ConfirmTopic is the job that confirms the subscription of a configured topic of
// Amazon SNS to our webhook.
type ConfirmTopic struct {
	Topic string `json:"topic"`
	Token string `json:"token"`
}

// Kind implements queue.Args.
func (ConfirmTopic) Kind() string { return "email.confirm_topic" }

// Defaults: a token is good for three days.
func (ConfirmTopic) Defaults() []queue.Option {
	return []queue.Option{queue.On("mail"), queue.MaxAttempts(8), queue.Timeout(30 * time.Second)}
}

func (s *System) confirmTopic(ctx context.Context, job queue.Job[ConfirmTopic]) error {
	address, err := feedback.ConfirmURL(job.Args.Topic, job.Args.Token)
	if err != nil {
		return queue.Cancel(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return queue.Cancel(err)
	}
	client := http.Client{Transport: s.Feedback.Outside, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("confirm %s: no answer from Amazon SNS", job.Args.Topic) // the error has the address with the token
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)); err != nil || res.StatusCode != http.StatusOK {
		return errors.New("confirm " + job.Args.Topic + ": status " + strconv.Itoa(res.StatusCode))
	}
	return job.Complete(ctx, func(tx *store.Tx) error {
		return s.Audit.Record(tx, audit.Event{Action: actTopicConfirmed, Details: map[string]any{"topic": job.Args.Topic}})
	})
}
