package jobs_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	stock "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"seaworthy/app/apptest"
	"seaworthy/app/webhook"
)

// The kind is one of this program's own: what the app calls its jobs never reaches
// a handler here.
func TestAJobIsDeliveredSigned(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, status(200, `{"mailed":3}`))
	a := newApp(t, v)
	c := newClient(a)
	id := c.enqueue(map[string]any{"kind": "email.deliver", "args": map[string]any{"message": "msg_1"}, "max_attempts": 7, "timeout_seconds": 60})
	a.Expect(apptest.Happened{Audit: []string{"job.enqueued"}, Jobs: []string{"email.deliver"}})
	a.RunJobs()
	a.Expect(apptest.Happened{Ran: []string{"email.deliver completed"}})
	got := v.deliveries()
	if len(got) != 1 {
		t.Fatalf("%d deliveries", len(got))
	}
	h, body := got[0].header, got[0].body
	if signed, err := webhook.Verify(h, []byte(body), a.Clock.Now(), parsed(t, secret)); err != nil || signed != id {
		t.Errorf("ours says %q, %v", signed, err)
	}
	theirs, err := stock.NewWebhook(secret)
	a.Must(err)
	if err := theirs.VerifyIgnoringTimestamp([]byte(body), h); err != nil {
		t.Errorf("the stock verifier says %v", err)
	}
	var sent map[string]any
	a.Must(json.Unmarshal([]byte(body), &sent))
	want := map[string]any{"id": id, "kind": "email.deliver", "queue": "default", "args": map[string]any{"message": "msg_1"}, "attempt": 1.0, "max_attempts": 7.0, "created_at": "2026-11-22T14:05:00Z"}
	if fmt.Sprint(sent) != fmt.Sprint(want) {
		t.Errorf("sent %v\nwant %v", sent, want)
	}
	deadline, err := time.Parse(time.RFC3339, h.Get("Seaworthy-Deadline"))
	if left := deadline.Sub(apptest.Epoch); err != nil || left < 30*time.Second || left > time.Minute {
		t.Errorf("deadline %q", h.Get("Seaworthy-Deadline"))
	}
	if h.Get("Seaworthy-Attempt") != "1" || h.Get("Seaworthy-Max-Attempts") != "7" || h.Get("Seaworthy-Kind") != "email.deliver" || h.Get("Content-Type") != "application/json" ||
		!regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-01$`).MatchString(h.Get("Traceparent")) {
		t.Errorf("headers %v", h)
	}
	j := c.job(id)
	if j.State != "completed" || j.Output == nil || *j.Output != `{"mailed":3}` || j.Attempts[0].Status != 200 || j.Queue != "default" || j.Endpoint != "default" {
		t.Errorf("%+v", j)
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	cl := newClient(a)
	type wanted struct {
		state   string
		attempt int // that counted
		next    time.Duration
	}
	ids, receivers, cases := map[string]string{}, map[string]*receiver{}, map[string]wanted{}
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		state   string
		attempt int // that counted
		next    time.Duration
	}{
		"200":                          {status(200, ""), "completed", 1, 0},
		"202":                          {status(202, "later"), "completed", 1, 0},
		"204":                          {status(204, ""), "completed", 1, 0},
		"301":                          {status(301, "", "Location", "/elsewhere"), "retryable", 1, time.Second},
		"307":                          {status(307, "", "Location", "/elsewhere"), "retryable", 1, time.Second},
		"400":                          {status(400, "bad"), "retryable", 1, time.Second},
		"404":                          {status(404, ""), "retryable", 1, time.Second},
		"422":                          {status(422, "no such user"), "dead", 1, 0},
		"429":                          {status(429, ""), "retryable", 1, time.Second},
		"429 in seconds":               {status(429, "", "Retry-After", "120"), "scheduled", 0, 2 * time.Minute},
		"429 in no time":               {status(429, "", "Retry-After", "0"), "scheduled", 0, time.Second},
		"429 in a year":                {status(429, "", "Retry-After", "99999999999999"), "scheduled", 0, time.Hour},
		"429 in the past":              {status(429, "", "Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"), "scheduled", 0, time.Second},
		"429 in words":                 {status(429, "", "Retry-After", "soon"), "retryable", 1, time.Second},
		"429 with a sign":              {status(429, "", "Retry-After", "-5"), "retryable", 1, time.Second},
		"500":                          {status(500, "oops"), "retryable", 1, time.Second},
		"500 with No-Retry":            {status(500, "", "Seaworthy-No-Retry", "1"), "dead", 1, 0},
		"500 with No-Retry false":      {status(500, "", "Seaworthy-No-Retry", "false"), "retryable", 1, time.Second},
		"500 with Retry-After":         {status(500, "", "Retry-After", "120"), "retryable", 1, time.Second},
		"503 on a date":                {status(503, "", "Retry-After", apptest.Epoch.Add(10*time.Minute).Format(http.TimeFormat)), "scheduled", 0, 10 * time.Minute},
		"429 with No-Retry":            {status(429, "", "Seaworthy-No-Retry", "true", "Retry-After", "1"), "dead", 1, 0},
		"200 with No-Retry":            {status(200, "", "Seaworthy-No-Retry", "true"), "completed", 1, 0},
		"a connection that breaks off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "retryable", 1, time.Second},
		"a body that breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
		}, "retryable", 1, time.Second},
		"a failure whose body breaks off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(422)
			io.WriteString(w, "half")
		}, "dead", 1, 0},
	} {
		v := newReceiver(t, c.answer)
		at := fmt.Sprint("e", len(ids))
		cl.endpoint(at, v.URL)
		ids[name], receivers[name] = cl.enqueue(map[string]any{"kind": "report", "endpoint": at}), v
		cases[name] = wanted{c.state, c.attempt, c.next}
	}
	a.RunJobs()
	for name, want := range cases {
		j := cl.job(ids[name])
		if n := len(receivers[name].deliveries()); n != 1 || j.State != want.state || j.Attempt != want.attempt {
			t.Errorf("%s: %d deliveries, %+v", name, n, j)
		}
		// Retries, not what the endpoint asked for, are spread by a tenth.
		if wait := j.RunAt.Sub(apptest.Epoch); want.next > 0 && (wait < want.next*9/10 || wait > want.next*11/10 || want.attempt == 0 && wait != want.next) {
			t.Errorf("%s: the next attempt after %v, want %v", name, wait, want.next)
		}
	}
}

func TestAJobThatIsAlwaysPutOffEndsSomeDay(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, status(429, "busy", "Retry-After", "3600"))
	a := newApp(t, v)
	c := newClient(a)
	id := c.enqueue(map[string]any{"kind": "report", "max_attempts": 3})
	for range 24 {
		a.RunJobs()
		a.Clock.Advance(time.Hour + time.Second)
	}
	if j := c.job(id); j.State != "scheduled" || j.Attempt != 0 || j.Snoozes != 24 {
		t.Errorf("within a day: %+v", j)
	}
	for range 4 {
		a.RunJobs()
		a.Clock.Advance(time.Hour + time.Second)
	}
	if j := c.job(id); j.State != "dead" || j.Attempt != 3 || !strings.Contains(j.Error, "429") {
		t.Errorf("after a day: %+v", j)
	}
}

// The app takes a job, works on it and says through the API how it ended.
func TestManualAcknowledgement(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body, state, output, err string
		seconds                  int
	}{
		"done":        {`{"attempt":1,"output":{"rows":5}}`, "completed", `{"rows":5}`, "", 60},
		"failed":      {`{"error":"no paper"}`, "retryable", "", "no paper", 60},
		"for good":    {`{"error":"no printer","permanent":true}`, "dead", "", "no printer", 60},
		"not at all":  {"", "retryable", "", "by the deadline", 3},
		"another one": {`{"attempt":2}`, "retryable", "", "by the deadline", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newReceiver(t, nil)
			a := newApp(t, v)
			cl := newClient(a)
			// Called from within the endpoint, by the app's own program.
			v.answers(func(w http.ResponseWriter, r *http.Request) {
				id := r.Header.Get("webhook-id")
				if p := cl.PostJSON("/-/api/v1/jobs/"+id+"/progress", map[string]int{"percent": 40}); p.Status != 202 {
					t.Errorf("progress: %d %s", p.Status, p.Body)
				}
				if c.body != "" {
					want := 202
					if strings.Contains(c.body, `"attempt":2`) {
						want = 409
					}
					if p := cl.Do("POST", "/-/api/v1/jobs/"+id+"/complete", "application/json", c.body); p.Status != want {
						t.Errorf("complete: %d %s", p.Status, p.Body)
					}
				}
				if want := `{}`; c.body != "" && !strings.Contains(c.body, `"attempt":2`) {
					if p := cl.Do("POST", "/-/api/v1/jobs/"+id+"/complete", "application/json", want); p.Status != 409 {
						t.Errorf("completed twice: %d", p.Status)
					}
				}
				w.Header().Set("Seaworthy-Ack", "manual")
				w.WriteHeader(202)
			})
			j := cl.run(map[string]any{"kind": "print", "timeout_seconds": c.seconds})
			if j.State != c.state || !strings.Contains(j.Error, c.err) || (c.output == "") != (j.Output == nil) || j.Output != nil && *j.Output != c.output || j.Attempts[0].Status != 202 {
				t.Errorf("%+v", j)
			}
			for _, path := range []string{"/complete", "/progress"} {
				cl.PostJSON("/-/api/v1/jobs/"+j.ID+path, map[string]any{}).WantProblem(409, "not_delivered")
				cl.PostJSON("/-/api/v1/jobs/job_nobody"+path, map[string]any{}).WantProblem(404, "not_found")
			}
			cl.PostJSON("/-/api/v1/jobs/"+j.ID+"/progress", map[string]any{"percent": 101}).WantProblem(422, "invalid", "percent")
			cl.PostJSON("/-/api/v1/jobs/"+j.ID+"/complete", map[string]any{"permanent": true}).WantProblem(422, "invalid", "permanent")
		})
	}
}

func TestAFailingEndpointIsLeftAlone(t *testing.T) {
	t.Parallel()
	v := newReceiver(t, status(500, ""))
	a := newApp(t, v)
	c := newClient(a)
	var ids []string
	for range 15 {
		ids = append(ids, c.enqueue(map[string]any{"kind": "report", "max_attempts": 2}))
	}
	a.Forget()
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"job_endpoint.failing"}, Ran: append(repeat("report retryable", 10), repeat("report scheduled", 5)...)})
	if e := a.Events(1)[0]; e.Actor.String() != "system:jobs.deliver" || e.Job == "" {
		t.Errorf("event %s", e.Body)
	}
	if n := len(v.deliveries()); n != 10 {
		t.Fatalf("%d deliveries before it was left alone", n)
	}
	// One job tries again; as long as that fails, no other does, and no attempt is used up.
	a.Clock.Advance(45 * time.Second)
	a.RunJobs()
	if n := len(v.deliveries()); n != 11 {
		t.Errorf("%d deliveries after the first rest", n)
	}
	a.Forget()
	v.answers(status(200, ""))
	for range 10 {
		a.Clock.Advance(time.Minute)
		a.RunJobs()
	}
	done := 0
	for _, id := range ids {
		if c.job(id).State == "completed" {
			done++
		}
	}
	if done < 14 || !strings.Contains(a.Logs(), "left alone") {
		t.Errorf("%d jobs are done", done)
	}
	recovered := 0
	for _, e := range a.Events(20) {
		if e.Action == "job_endpoint.recovered" {
			recovered++
		}
	}
	if recovered != 1 {
		t.Errorf("it recovered %d times", recovered)
	}
}

func repeat(s string, n int) (all []string) {
	for range n {
		all = append(all, s)
	}
	return all
}
