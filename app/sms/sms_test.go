package sms_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/sms"
	"seaworthy/store"
)

func TestPhoneNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]sms.Phone{
		"+491701234567": "+491701234567", " +49 (170) 123-45.67 ": "+491701234567", "+1 500 555 0006": "+15005550006", "+49/1701234567": "+491701234567",
		"": "", "+": "", "0170 1234567": "", "00491701234567": "", "+0491701234567": "", "+4917012": "", "+4917012345678901": "",
		"+49170x1234567": "", "++491701234567": "", "+49 170 123４567": "", "+491701234567;ext=1": "", "+49 170\n1234567": "",
	} {
		if got, ok := sms.ParsePhone(text); got != want || ok != (want != "") {
			t.Errorf("%q is %q", text, got)
		}
	}
	if got := sms.Phone("+491701234567").Masked(); got != "•••• 567" {
		t.Errorf("masked: %s", got)
	}
}

func FuzzPhone(f *testing.F) {
	f.Add("+49 170 1234567")
	f.Add("+1(500)555-0006")
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := sms.ParsePhone(text)
		if !ok {
			return
		}
		if len(p) < 9 || len(p) > 16 || p[0] != '+' || p[1] == '0' || strings.Trim(string(p[1:]), "0123456789") != "" {
			t.Errorf("%q reads as %q", text, p)
		}
		if again, ok := sms.ParsePhone(string(p)); !ok || again != p {
			t.Errorf("%q reads as %q", p, again)
		}
	})
}

func TestTwilio(t *testing.T) {
	t.Parallel()
	var status int
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.URL.Path != "/2010-04-01/Accounts/AC1/Messages.json" || user != "AC1" || password != "secret" || r.FormValue("To") != "+15005550006" || r.FormValue("Body") != "hello & bye" {
			t.Errorf("%s %s:%s %v", r.URL.Path, user, password, r.Form)
		}
		if from, service := r.FormValue("From"), r.FormValue("MessagingServiceSid"); (from == "") == (service == "") {
			t.Errorf("sender %q, service %q", from, service)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	defer server.Close()
	for _, c := range []struct {
		name, from string
		status     int
		body       string
		final      bool
		want       string
	}{
		{"sent", "+15005550001", 201, `{"sid":"SM1","status":"queued"}`, false, ""},
		{"sent by a service", "MG9", 201, `{"sid":"SM1"}`, false, ""},
		{"no such number", "Acme", 400, `{"code":21211,"message":"Invalid 'To' Phone Number"}`, true, "21211 Invalid"},
		{"token revoked", "Acme", 401, `{"code":20003,"message":"Authenticate"}`, true, "20003"},
		{"too many", "Acme", 429, `{"code":20429,"message":"Too Many Requests"}`, false, "20429"},
		{"down", "Acme", 503, `<html>`, false, "status 503"},
		{"elsewhere", "Acme", 302, ``, true, "status 302"},
	} {
		status, body = c.status, c.body
		id, err := sms.Twilio{SID: "AC1", Token: "secret", From: c.from, URL: server.URL}.Send(t.Context(), sms.Outgoing{ID: "txt_1", To: "+15005550006", Body: "hello & bye"})
		var refused *sms.RefusedError
		switch {
		case c.want == "" && (err != nil || id != "SM1"):
			t.Errorf("%s: %q, %v", c.name, id, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &refused) != c.final || strings.Contains(err.Error(), "secret")):
			t.Errorf("%s: %v", c.name, err)
		}
	}
	server.Close()
	_, err := sms.Twilio{SID: "AC1", Token: "secret", From: "Acme", URL: server.URL}.Send(t.Context(), sms.Outgoing{To: "+15005550006"})
	var refused *sms.RefusedError
	if err == nil || errors.As(err, &refused) || strings.Contains(err.Error(), "AC1") {
		t.Errorf("nobody there: %v", err)
	}
}

// gateway is a customer's own program that sends texts.
type gateway struct {
	*httptest.Server
	status  int
	got     []map[string]any
	headers []http.Header
	bodies  []string
}

const webhookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func newGateway(t *testing.T, status int) *gateway {
	g := &gateway{status: status}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var v map[string]any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Error(err)
		}
		g.got, g.headers, g.bodies = append(g.got, v), append(g.headers, r.Header), append(g.bodies, string(body))
		w.WriteHeader(g.status)
	}))
	t.Cleanup(g.Close)
	return g
}

// with is an app that sends its texts to a gateway.
func with(g *gateway) apptest.Option {
	return func(c *config.Config, _ *app.Options) { c.SMSWebhook, c.SMSSecret = g.URL+"/texts", webhookSecret }
}

func send(a *apptest.App, life time.Duration) {
	a.T.Helper()
	a.Must(a.DB.Write(context.Background(), func(tx *store.Tx) error {
		_, err := a.SMS.Send(tx, sms.Message{To: "+491701234567", Body: "123456 is your code", Life: life})
		return err
	}))
}

func TestWebhookIsSigned(t *testing.T) {
	t.Parallel()
	g := newGateway(t, 204)
	a := apptest.New(t, with(g))
	send(a, time.Minute)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"sms.sent"}, Jobs: []string{"sms.deliver"}, Ran: []string{"sms.deliver completed"}, Rows: map[string]int{"sms_message": 1}})
	data, _ := g.got[0]["data"].(map[string]any)
	if len(g.got) != 1 || g.got[0]["type"] != "sms.send" || data["to"] != "+491701234567" || data["body"] != "123456 is your code" {
		t.Fatalf("got %v", g.got)
	}
	h := g.headers[0]
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(webhookSecret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "." + g.bodies[0]))
	if h.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) || h.Get("webhook-id") != data["id"] {
		t.Errorf("signature: %v", h)
	}
}

func TestFailuresOfDelivery(t *testing.T) {
	t.Parallel()
	g := newGateway(t, 503)
	a := apptest.New(t, with(g))
	state := func() string {
		t.Helper()
		return a.Query(`SELECT status || ' ' || (body IS NULL) FROM sms_message ORDER BY id DESC LIMIT 1`)
	}
	// What may pass is tried again, under the same id.
	send(a, time.Hour)
	a.RunJobs()
	a.Expect(apptest.Happened{Jobs: []string{"sms.deliver"}, Ran: []string{"sms.deliver retryable"}, Rows: map[string]int{"sms_message": 1}})
	if state() != "queued 0" {
		t.Errorf("state: %s", state())
	}
	g.status = 200
	a.Clock.Advance(10 * time.Second)
	a.RunJobs()
	if state() != "sent 1" || len(g.got) != 2 || g.headers[0].Get("webhook-id") != g.headers[1].Get("webhook-id") {
		t.Errorf("state %s after %d attempts", state(), len(g.got))
	}
	a.Forget()
	// What is refused is final, and so is what comes too late.
	g.status = 422
	send(a, time.Hour)
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"sms.failed"}, Jobs: []string{"sms.deliver"}, Ran: []string{"sms.deliver completed"}, Rows: map[string]int{"sms_message": 1}})
	if state() != "failed 1" {
		t.Errorf("state: %s", state())
	}
	send(a, time.Minute)
	a.Clock.Advance(2 * time.Minute)
	before := len(g.got)
	a.RunJobs()
	if state() != "expired 1" || len(g.got) != before {
		t.Errorf("state %s after %d requests", state(), len(g.got)-before)
	}
	// One that never goes through is given up.
	g.status = 500
	send(a, 24*time.Hour)
	for range 8 {
		a.RunJobs()
		a.Clock.Advance(30 * time.Minute)
	}
	if state() != "failed 1" || len(g.got) != before+5 {
		t.Errorf("state %s after %d attempts", state(), len(g.got)-before)
	}
}

// A text that was taken is not sent, and paid for, again because the answer broke off.
func TestAnAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"sid":"SM1",`)
	}))
	defer server.Close()
	id, err := sms.Twilio{SID: "AC1", Token: "secret", From: "Acme", URL: server.URL}.Send(t.Context(), sms.Outgoing{ID: "txt_1", To: "+15005550006"})
	if id != "" || err != nil {
		t.Errorf("%q, %v", id, err)
	}
}

// Texts are not kept for ever: whoever looks for one does so within days.
func TestOldTextsAreDropped(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, with(newGateway(t, 204)))
	for range 3 {
		send(a, time.Minute)
	}
	a.RunJobs()
	a.Clock.Advance(6 * 24 * time.Hour)
	send(a, time.Minute)
	a.RunJobs()
	if n := a.Count("sms_message"); n != 4 {
		t.Errorf("%d texts are left, want 4", n)
	}
	a.Clock.Advance(2 * 24 * time.Hour)
	send(a, time.Minute)
	a.RunJobs()
	if n := a.Count("sms_message"); n != 2 {
		t.Errorf("%d texts are left, want that of 2 days ago and the last", n)
	}
}

func TestConfigurationOfTexts(t *testing.T) {
	t.Parallel()
	for want, set := range map[string]func(*config.Config){
		"SEAWORTHY_TWILIO_SID, SEAWORTHY_TWILIO_TOKEN": func(c *config.Config) { c.TwilioSID = "AC1" },
		"SEAWORTHY_SMS_WEBHOOK and":                    func(c *config.Config) { c.SMSWebhook = "https://sms.example.com" },
		"must be an https:// address":                  func(c *config.Config) { c.SMSWebhook, c.SMSSecret = "http://sms.example.com", webhookSecret },
		"must not be set beside": func(c *config.Config) {
			c.TwilioSID, c.TwilioToken, c.TwilioFrom, c.SMSWebhook, c.SMSSecret = "A", "b", "c", "https://x.example", "s"
		},
		"SEAWORTHY_SMS_DAILY must be":                         func(c *config.Config) { c.SMSDaily = -1 },
		"SEAWORTHY_SMS_WEBHOOK_SECRET: want whsec_ and 24 to": func(c *config.Config) { c.SMSWebhook, c.SMSSecret = "https://sms.example.com", "whsec_c2hvcnQ=" },
	} {
		cfg := config.Config{Addr: "127.0.0.1:0", Data: t.TempDir(), Replica: "off", Brand: "Acme", LogLevel: "error"}
		set(&cfg)
		err := cfg.Validate()
		if err == nil {
			_, err = app.New(t.Context(), cfg, app.Options{})
		}
		var fault *config.FaultError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
