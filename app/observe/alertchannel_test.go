package observe_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/observe"
	"seaworthy/app/webhook"
)

// hook is somebody who takes webhooks.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []string
	header []http.Header
}

func newHook(t *testing.T) *hook {
	h := &hook{status: 200}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got, h.header = append(h.got, string(body)), append(h.header, r.Header.Clone())
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) bodies() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

func channel(a *apptest.App, key *apptest.Browser, kind, url, level string) observe.Channel {
	var c observe.Channel
	key.PostJSON("/-/api/v1/alert-channels", map[string]any{"name": kind + level, "kind": kind, "url": url, "level": level}).Want(201).JSON(&c)
	return c
}

func TestWebhookIsSignedAndChatIsText(t *testing.T) {
	t.Parallel()
	a, _ := watched(t)
	key, standard, chat := a.Key("alerts:*"), newHook(t), newHook(t)
	made := channel(a, key, "webhook", standard.URL+"/canary-path", "all")
	channel(a, key, "slack", chat.URL, "all")
	secret, err := webhook.ParseSecret(made.Secret)
	a.Must(err)
	a.Browser().Get("/-/test/panic?<b>&").Want(500)
	later(a, time.Minute)
	if len(standard.bodies()) != 1 || len(chat.bodies()) != 1 {
		t.Fatalf("%d and %d requests", len(standard.bodies()), len(chat.bodies()))
	}
	if _, err := webhook.Verify(standard.header[0], []byte(standard.got[0]), a.DB.Now(), secret); err != nil {
		t.Error(err)
	}
	var p struct {
		Type string
		Data struct {
			Title  string
			Firing []struct{ Rule, State, URL, Release string }
		}
	}
	a.Must(json.Unmarshal([]byte(standard.got[0]), &p))
	if p.Type != "alert.fired" || len(p.Data.Firing) != 1 || p.Data.Firing[0].Rule != "issue_new" || !strings.HasPrefix(p.Data.Firing[0].URL, a.URL+"/-/admin/alerts/alt_") || p.Data.Firing[0].Release != "test" {
		t.Errorf("posted %s", standard.got[0])
	}
	var text struct{ Text string }
	a.Must(json.Unmarshal([]byte(chat.got[0]), &text))
	if !strings.Contains(text.Text, "*New error: panic: assignment to entry in nil map*") || !strings.Contains(text.Text, "|New error") {
		t.Errorf("chat got %s", text.Text)
	}
	for _, body := range []string{key.Get("/-/api/v1/alert-channels").Want(200).Body, key.Get("/-/api/v1/audit/events").Body, a.Logs(), files(t, a)} {
		if strings.Contains(body, made.Secret) || strings.Contains(body, "canary-path") {
			t.Error("the secret or the address of a channel is told or stored in the clear")
		}
	}
	key.PostJSON("/-/api/v1/alert-channels/"+made.ID+"/test", nil).Want(202)
	a.RunJobs()
	if all := standard.bodies(); len(all) != 2 || !strings.Contains(all[1], `"alert.test"`) {
		t.Errorf("the test sent %v", all)
	}
}

// Fault 20: retries, then another way; and what fails in alerting is not alerted of.
func TestAlertMailFailsFallsBackAndNeverRecurses(t *testing.T) {
	t.Parallel()
	a, operator := watched(t)
	key, h := a.Key("alerts:*"), newHook(t)
	channel(a, key, "webhook", h.URL, "fallback")
	operator.Do("PUT", "/-/dev/inbox/faults", "application/json", `{"kind":"temporary","percent":100}`).Want(200)
	a.Browser().Get("/-/test/panic").Want(500)
	later(a, 4*time.Minute)
	if len(h.bodies()) != 0 {
		t.Error("the fallback was told while the mail might still arrive")
	}
	later(a, 3*time.Minute)
	if all := h.bodies(); len(all) != 1 || !strings.Contains(all[0], "New error: panic") {
		t.Fatalf("the fallback was told %v", all)
	}
	operator.Do("PUT", "/-/dev/inbox/faults", "application/json", `{"kind":"permanent","percent":100}`).Want(200)
	a.Browser().Get("/-/test/fail").Want(500)
	for range 20 { // until the mails have given up, if that takes days
		a.Clock.Advance(3 * time.Hour)
		look(a)
		a.RunJobs()
	}
	later(a, 10*time.Minute)
	for _, one := range a.Observe.Firing() {
		if strings.Contains(one.Title, "job") || one.Rule == "jobs_dead" || strings.Contains(one.Detail, "email.deliver") {
			t.Errorf("an alert's own failure is alerted of: %+v", one)
		}
	}
	told := 0
	for _, body := range h.bodies() {
		if strings.Contains(body, "email.deliver") || strings.Contains(body, "observe.tell") {
			t.Errorf("told of alerting: %s", body)
		}
		told += strings.Count(body, `"alert.fired"`)
	}
	if told != 2 {
		t.Errorf("%d alerts were told by the fallback: %v", told, h.bodies())
	}
}

func TestWebhookFailsFallsBackToMail(t *testing.T) {
	t.Parallel()
	a, _ := watched(t)
	key, h := a.Key("alerts:*"), newHook(t)
	h.status = 500
	c := channel(a, key, "webhook", h.URL, "all")
	key.Do("PATCH", "/-/api/v1/alert-channels/chn_operators", "application/json", `{"level":"fallback"}`).Want(200)
	a.Browser().Get("/-/test/panic").Want(500)
	later(a, 2*time.Minute)
	if n := len(a.Mails(grace)); n != 0 && strings.HasPrefix(a.Mails(grace)[0].Subject, "New error") {
		t.Error("mailed before the webhook was given up")
	}
	later(a, 10*time.Minute)
	if n := len(h.bodies()); n != 4 {
		t.Errorf("%d attempts", n)
	}
	if m := a.Mails(grace)[0]; !strings.HasPrefix(m.Subject, "New error: panic") {
		t.Errorf("mailed %q", m.Subject)
	}
	var list observe.ChannelList
	key.Get("/-/api/v1/alert-channels").Want(200).JSON(&list)
	for _, one := range list.Channels {
		if one.ID == c.ID && (one.Last == nil || one.Last.State != "failed" || !strings.Contains(one.Last.Problem, "answered 500")) {
			t.Errorf("the channel says %+v", one.Last)
		}
	}
	if n := len(a.Observe.Firing()); n != 1 {
		t.Errorf("%d alerts: alerting alerts of itself", n)
	}
	if n := a.Count("observe_delivery"); n != 2 {
		t.Errorf("%d deliveries", n)
	}
}
