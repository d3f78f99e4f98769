package jobs_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/webhook"
)

const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// delivery is what the app was sent.
type delivery struct {
	header http.Header
	body   string
}

// receiver is the customer's app.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []delivery
	answer http.HandlerFunc
}

// newReceiver answers 200 unless told otherwise.
func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	v := &receiver{answer: answer}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		v.mu.Lock()
		v.got = append(v.got, delivery{r.Header.Clone(), string(body)})
		answer := v.answer
		v.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(v.Close)
	return v
}

// answers makes it answer in another way from now on.
func (v *receiver) answers(answer http.HandlerFunc) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = answer
}

func (v *receiver) deliveries() []delivery {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]delivery{}, v.got...)
}

// status answers with a status, name, value pairs of headers, and a body.
func status(code int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

// newApp has a receiver as its endpoint.
func newApp(t *testing.T, v *receiver, opts ...apptest.Option) *apptest.App {
	t.Helper()
	a := apptest.New(t, append(opts, func(c *config.Config, _ *app.Options) { c.AppJobsURL, c.AppJobsSecret = v.URL+"/jobs", secret })...)
	a.Forget()
	return a
}

// job is a job as the API tells it.
type job struct {
	ID, Kind, State, Queue, Endpoint string
	Output                           *string
	Error                            string `json:"last_error"`
	Attempt, Snoozes                 int
	MaxAttempts                      int `json:"max_attempts"`
	Cancelling                       bool
	RunAt                            time.Time `json:"run_at"`
	Args                             any
	Attempts                         []struct {
		Attempt int
		Outcome string
		Error   string
		Status  int    `json:"http_status"`
		Snippet string `json:"response_snippet"`
	}
}

// client enqueues, and looks at what became of it.
type client struct {
	*apptest.Browser
	a *apptest.App
}

func newClient(a *apptest.App) client {
	a.T.Helper()
	c := client{a.Key("jobs:*"), a}
	a.Forget()
	return c
}

func (c client) enqueue(in map[string]any) (id string) {
	c.T.Helper()
	var made struct{ ID string }
	c.PostJSON("/-/api/v1/jobs", in).Want(201).JSON(&made)
	return made.ID
}

func (c client) job(id string) (j job) {
	c.T.Helper()
	c.Get("/-/api/v1/jobs/" + id).Want(200).JSON(&j)
	return j
}

// run enqueues a job, makes its first attempt and tells how it stands.
func (c client) run(in map[string]any) job {
	c.T.Helper()
	id := c.enqueue(in)
	c.a.RunJobs()
	return c.job(id)
}

// endpoint makes one and returns its secret.
func (c client) endpoint(name, url string, more ...any) webhook.Secret {
	c.T.Helper()
	in := map[string]any{"name": name, "url": url}
	for i := 0; i+1 < len(more); i += 2 {
		in[more[i].(string)] = more[i+1]
	}
	var made struct{ Secret string }
	c.PostJSON("/-/api/v1/jobs/endpoints", in).Want(201).JSON(&made)
	return parsed(c.T, made.Secret)
}

func parsed(t testing.TB, text string) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func kinds(n int) string {
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "{\"kind\":\"report.%d\",\"args\":{\"n\":%d}}\n", i, i)
	}
	return lines.String()
}
