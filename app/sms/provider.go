package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"seaworthy/app/dial"
	"seaworthy/app/webhook"
)

// Outgoing is a text ready to leave.
type Outgoing struct {
	ID   string // sms_message.id; the same at every attempt
	To   Phone
	Body string
}

// Provider hands a text to somebody who delivers it, and returns his id for it.
// Any error but a *RefusedError is tried again.
type Provider interface {
	Name() string
	Send(ctx context.Context, o Outgoing) (id string, err error)
}

// RefusedError says that this text will never be accepted.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "refused: " + e.Reason }

const (
	sendTimeout = 15 * time.Second
	maxAnswer   = 64 << 10 // bytes of an answer that are read
)

// client reaches the public network and the place that was configured, follows no
// redirect, because the credentials are for one address, and keeps no connection:
// texts are rare.
func client(to *url.URL, through func(http.RoundTripper) http.RoundTripper) *http.Client {
	port := to.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[to.Scheme]
	}
	allowed, _ := dial.Allow(net.JoinHostPort(to.Hostname(), port)) // nothing is, if it is malformed
	transport := dial.Dialer{Allowed: allowed}.Transport()
	transport.DisableKeepAlives = true
	var outward http.RoundTripper = transport
	if through != nil {
		outward = through(transport)
	}
	return &http.Client{Timeout: sendTimeout, Transport: outward, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// outcome sorts an answer: 2xx is done; 408, 429 and 5xx may pass; the rest is final.
func outcome(status int, said string) error {
	said = fmt.Sprintf("status %d: %.200s", status, strings.ToValidUTF8(said, "?"))
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500:
		return errors.New(said)
	}
	return &RefusedError{said}
}

// twilioURL is Twilio's API.
const twilioURL = "https://api.twilio.com"

// Twilio sends by the Messages resource of Twilio's API.
type Twilio struct {
	SID, Token string
	From       string // a number, an alphanumeric sender, or a messaging service (MG…)
	URL        string // "" for Twilio's own
	// Through is what every call goes through on its way out; nothing if nil.
	Through func(http.RoundTripper) http.RoundTripper
}

// Name implements Provider.
func (Twilio) Name() string { return "twilio" }

// Send implements Provider. No error of it repeats the token.
func (t Twilio) Send(ctx context.Context, o Outgoing) (string, error) {
	form := url.Values{"To": {string(o.To)}, "Body": {o.Body}}
	if strings.HasPrefix(t.From, "MG") {
		form.Set("MessagingServiceSid", t.From)
	} else {
		form.Set("From", t.From)
	}
	base := twilioURL
	if t.URL != "" {
		base = t.URL
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/2010-04-01/Accounts/"+url.PathEscape(t.SID)+"/Messages.json", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.SetBasicAuth(t.SID, t.Token)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body, err := do(r, t.Through)
	if err != nil {
		return "", err
	}
	var answer struct {
		SID     string `json:"sid"`
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	said := string(body)
	if json.Unmarshal(body, &answer) == nil && answer.Message != "" {
		said = strconv.Itoa(answer.Code) + " " + answer.Message
	}
	return answer.SID, outcome(status, said)
}

// Webhook hands texts to a program of the customer's, signed as Standard Webhooks
// says, so that any gateway can be used.
type Webhook struct {
	URL string
	Key webhook.Secret
	Now func() time.Time
	// Through is what every call goes through on its way out; nothing if nil.
	Through func(http.RoundTripper) http.RoundTripper
}

// Name implements Provider.
func (Webhook) Name() string { return "webhook" }

// Send implements Provider. The id in webhook-id is the same at every attempt, so
// that the receiver can know a text that it has sent already.
func (h Webhook) Send(ctx context.Context, o Outgoing) (string, error) {
	now := h.Now()
	body, err := json.Marshal(map[string]any{"type": "sms.send", "timestamp": now.UTC().Format(time.RFC3339),
		"data": map[string]string{"id": o.ID, "to": string(o.To), "body": o.Body}})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	webhook.Sign(r.Header, o.ID, now, body, h.Key)
	status, said, err := do(r, h.Through)
	if err != nil {
		return "", err
	}
	return "", outcome(status, string(said))
}

// do sends a request and reads a bounded part of the answer. Its errors are of the
// network alone: url.Error would repeat an address that may hold a secret.
func do(r *http.Request, through func(http.RoundTripper) http.RoundTripper) (status int, body []byte, err error) {
	res, err := client(r.URL, through).Do(r)
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if err != nil {
		return 0, nil, fmt.Errorf("the provider could not be reached: %w", err)
	}
	defer res.Body.Close()
	// The status alone decides: a text that was taken must not be sent, and paid for, again
	// because the rest of the answer broke off.
	body, _ = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return res.StatusCode, body, nil
}
