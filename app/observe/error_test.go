package observe_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/observe"
	"seaworthy/queue"
	"seaworthy/store"
)

// only returns the one issue there is.
func only(t *testing.T, a *apptest.App) observe.IssueDetail {
	t.Helper()
	a.Observe.Flush()
	page, err := a.Observe.Issues(t.Context(), observe.IssueFilter{Limit: 10})
	a.Must(err)
	if len(page.Errors) != 1 {
		t.Fatalf("%d issues: %+v", len(page.Errors), page.Errors)
	}
	d, err := a.Observe.Detail(t.Context(), page.Errors[0].ID)
	a.Must(err)
	return d
}

func TestPanicBecomesAnIssue(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, failing, apptest.WithoutLimits)
	ada := a.Verified("ada@example.com")
	a.RunJobs()
	a.Forget()
	failed := ada.Get("/-/test/panic").Want(500)
	a.ExpectNothing() // in the business database
	d := only(t, a)
	if d.Kind != "panic" || d.N != 1 || d.Status != "open" || !strings.Contains(d.Title, "nil map") {
		t.Errorf("the issue is %+v", d.Issue)
	}
	e := d.Last
	if e.Request != failed.Header.Get("X-Request-Id") || e.User != a.UserID("ada@example.com") || e.Route != "/-/test/panic" || e.Status != 500 || e.Release != "test" {
		t.Errorf("the event is %+v", e)
	}
	if len(e.Frames) < 3 || !e.Frames[0].Own || !strings.HasPrefix(e.Frames[0].File, "seaworthy/app/observe_test/observe_test.go") || e.Frames[0].Line == 0 {
		t.Errorf("the stack begins with %+v", e.Frames[:min(3, len(e.Frames))])
	}
	if len(e.Crumbs) != 0 { // the panic's own line is no breadcrumb
		t.Errorf("breadcrumbs are %+v", e.Crumbs)
	}
	if len(d.Events) != 1 {
		t.Errorf("%d occurrences are kept", len(d.Events))
	}
}

func TestFailedRequestBecomesAnIssueAndOneSentAwayDoesNot(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, failing, apptest.WithoutLimits)
	for range 3 {
		a.Browser().Get("/-/test/fail?say=first+this").Want(500)
	}
	a.Browser().Get("/-/nowhere").Want(404)
	d := only(t, a)
	if d.Kind != "error" || d.N != 3 || d.Title != "i/o timeout" || d.Culprit != "GET /-/test/fail" || d.Last.Type != "*poll.DeadlineExceededError" {
		t.Errorf("the issue is %+v of type %s", d.Issue, d.Last.Type)
	}
	if len(d.Last.Crumbs) != 1 || d.Last.Crumbs[0].Message != "first this" {
		t.Errorf("breadcrumbs are %+v", d.Last.Crumbs)
	}
}

type brittle struct{}

func (brittle) Kind() string { return "test.brittle" }

func TestDeadJobBecomesAnIssue(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(_ *config.Config, o *app.Options) {
		o.Extend = func(*app.App) app.Extension {
			return app.Extension{Jobs: func(q *queue.Queue) {
				queue.Handle(q, func(context.Context, queue.Job[brittle]) error { return queue.Bury(errors.New("the bridge is out")) })
			}}
		}
	})
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := queue.Enqueue(tx, brittle{}); return err }))
	a.RunJobs()
	d := only(t, a)
	if d.Kind != "job" || d.Culprit != "job test.brittle" || d.Title != "the bridge is out" || d.Last.Job == "" || d.Last.Attempt != 1 {
		t.Errorf("the issue is %+v of %+v", d.Issue, d.Last)
	}
}

// Fault 1: a panic in a loop is one issue, counted exactly, of which few are kept whole.
func TestFault01PanicLoop(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, _ := alone(t, observe.Options{Folder: folder})
	const each, workers = 12_500, 8
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for i := range each {
				s.Job(queue.Failure{Job: queue.Info{Kind: "loop"}, Err: "it broke", Stack: loopStack})
				if i%1000 == 0 {
					s.Flush()
				}
			}
		})
	}
	all.Wait()
	s.Flush()
	page, err := s.Issues(t.Context(), observe.IssueFilter{Limit: 10})
	if err != nil || len(page.Errors) != 1 || page.Errors[0].N != each*workers {
		t.Fatalf("issues %+v, %v", page.Errors, err)
	}
	bodies := 0
	for _, path := range segments(t, folder) {
		side, err := store.OpenSide(path, store.SideOptions{Existing: true})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := side.Read(t.Context(), func(tx *store.Tx) error { return tx.QueryRow(`SELECT count(seq) FROM observe_event`).Scan(&n) }); err != nil {
			t.Fatal(err)
		}
		side.Close()
		bodies += n
	}
	if bodies < 20 || bodies > 40 {
		t.Errorf("%d occurrences are kept whole", bodies)
	}
	if d := s.Dropped(); len(d) != 0 {
		t.Errorf("dropped %v", d)
	}
}

const loopStack = `goroutine 7 [running]:
runtime/debug.Stack()
	/usr/local/go/src/runtime/debug/stack.go:26 +0x5e
seaworthy/queue.(*running).protect.func1()
	/src/queue/finish.go:58 +0x31
panic({0x1?, 0x2?})
	/usr/local/go/src/runtime/panic.go:783 +0x132
runtime.panicmem(...)
	/usr/local/go/src/runtime/panic.go:262
seaworthy/app/billing.(*System).loop(0xc000)
	/src/app/billing/loop.go:12 +0x1d
created by seaworthy/queue.(*Queue).Start in goroutine 1
	/src/queue/engine.go:40 +0x7a
`

// Fault 16: a great many different errors are few hundred issues and one more.
func TestFault16ManyFingerprints(t *testing.T) {
	t.Parallel()
	s, _ := alone(t, observe.Options{})
	word := func(i int) string { // numbers would be taken for values
		text := ""
		for ; i > 0; i /= 26 {
			text += string(rune('a' + i%26))
		}
		return "x" + text
	}
	const many = 20_000
	for i := range many {
		s.Capture(context.Background(), errors.New("unlike "+word(i)))
		if i%3000 == 0 {
			s.Flush()
		}
	}
	s.Flush()
	count, total, before := 0, int64(0), ""
	for {
		page, err := s.Issues(t.Context(), observe.IssueFilter{Limit: 200, Before: before})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Errors {
			count, total = count+1, total+i.N
		}
		if before = page.Next; before == "" {
			break
		}
	}
	if count != 501 || total != many {
		t.Errorf("%d issues count %d errors of %d", count, total, many)
	}
}

// Fault 24: what an error says is text, on every page.
func TestFault24MarkupIsText(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, failing, apptest.WithoutLimits)
	op := a.Operator("op@example.com")
	a.Observe.Capture(t.Context(), errors.New(`<img src=x onerror=alert(1)><script>alert(2)</script>`))
	id := only(t, a).ID
	for _, path := range []string{"/-/admin/errors", "/-/admin/errors/" + id} {
		page := op.Get(path).Want(200)
		if strings.Contains(page.Body, "<img src=x") || strings.Contains(page.Body, "<script>alert") || !strings.Contains(page.Body, "&lt;img src=x") {
			t.Errorf("%s takes an error for markup", path)
		}
		if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") && !strings.Contains(csp, "script-src 'self'") {
			t.Errorf("%s is sent with the policy %q", path, csp)
		}
	}
}

func TestIssueIsResolvedComesBackAndIsAssigned(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, failing, apptest.WithoutLimits)
	op := a.Operator("op@example.com")
	fail := func() observe.IssueDetail {
		a.Browser().Get("/-/test/panic").Want(500)
		return only(t, a)
	}
	id := fail().ID
	path := "/-/admin/errors/" + id
	a.RunJobs()
	a.Forget()
	op.Post(path, "act", "resolve").Want(200, "The error is resolved")
	a.Expect(apptest.Happened{Audit: []string{"error.resolved"}})
	op.Get("/-/admin/errors").Want(200, "Nothing is broken")
	a.Clock.Advance(time.Minute)
	if d := fail(); d.Status != "open" || d.RegressedAt.IsZero() || d.N != 2 {
		t.Errorf("after it came back: %+v", d.Issue)
	}
	op.Get(path).Want(200, "It was resolved, and is back")
	op.Get("/-/admin/errors").Want(200, "regression")

	// In the next release: this one may still show it.
	op.Post(path, "act", "resolve_next").Want(200)
	a.Clock.Advance(time.Minute)
	if d := fail(); d.Status != "resolved" {
		t.Errorf("the same release reopens it: %+v", d.Issue)
	}
	op.Post(path, "act", "ignore_day").Want(200, "until")
	if d := fail(); d.Status != "ignored" {
		t.Errorf("ignored: %+v", d.Issue)
	}
	a.Clock.Advance(25 * time.Hour)
	if d := fail(); d.Status != "open" {
		t.Errorf("after the day: %+v", d.Issue)
	}
	op = a.Browser()
	op.Post("/-/login", "email", "op@example.com", "password", apptest.Password).Want(200)
	a.Forget()
	op.Post(path, "act", "take").Want(200, "op@example.com", "Give it back")
	op.Post(path, "act", "leave").Want(200, "nobody")
	a.Expect(apptest.Happened{Audit: []string{"error.assigned", "error.assigned"}})
	op.Post(path, "act", "explode").Want(422)
	a.Verified("ada@example.com").Post(path, "act", "resolve").Want(403)
}

func TestErrorsAPI(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, failing, apptest.WithoutLimits)
	c := a.Key("errors:read", "errors:manage")
	a.SignUp("ada@example.com")
	ada := a.UserID("ada@example.com")
	var page observe.IssuePage
	c.Get("/-/api/v1/errors").Want(200).JSON(&page)
	if page.Errors == nil || len(page.Errors) != 0 {
		t.Errorf("without any error: %+v", page)
	}
	for i := range 3 {
		a.Observe.Capture(t.Context(), fmt.Errorf("kind %s", []string{"one", "two", "three"}[i]))
		a.Clock.Advance(time.Second)
	}
	a.Observe.Flush()
	c.Get("/-/api/v1/errors?limit=2").Want(200).JSON(&page)
	if len(page.Errors) != 2 || page.Errors[0].Title != "kind three" || page.Next == "" {
		t.Fatalf("the first page is %+v", page)
	}
	id := page.Errors[0].ID
	cursor := page.Next
	page = observe.IssuePage{}
	c.Get("/-/api/v1/errors?limit=2&cursor=" + cursor).Want(200).JSON(&page)
	if len(page.Errors) != 1 || page.Errors[0].Title != "kind one" || page.Next != "" {
		t.Errorf("the second page is %+v", page)
	}
	patch := func(body string) apptest.Page {
		return c.Do(http.MethodPatch, "/-/api/v1/errors/"+id, "application/json", body)
	}
	var i observe.Issue
	patch(`{"status":"resolved","in_next":true}`).Want(200).JSON(&i)
	if i.Status != "resolved" || i.ResolvedIn != "test" {
		t.Errorf("resolved: %+v", i)
	}
	c.Get("/-/api/v1/errors?status=resolved").Want(200, id)
	patch(`{"assignee":"` + ada + `"}`).Want(200)
	patch(`{"assignee":"usr_nobody"}`).WantProblem(422, "invalid", "assignee")
	patch(`{"status":"mended"}`).WantProblem(422, "invalid", "status")
	patch(`{"status":"open","ignore_days":3}`).WantProblem(422, "invalid", "ignore_days")
	patch(`{"status":"ignored","ignore_days":400}`).WantProblem(422, "invalid", "ignore_days")
	patch(`{}`).WantProblem(422, "invalid", "status")
	c.Get("/-/api/v1/errors/iss_nothing").WantProblem(404, "not_found")
	c.Get("/-/api/v1/errors?cursor=1.x").WantProblem(422, "invalid", "cursor")
	c.Get("/-/api/v1/errors?status=x&limit=x").WantProblem(422, "invalid", "status", "limit")
	a.Key("errors:read").Do(http.MethodPatch, "/-/api/v1/errors/"+id, "application/json", `{"status":"open"}`).WantProblem(403, "forbidden")
	var d observe.IssueDetail
	c.Get("/-/api/v1/errors/" + id).Want(200).JSON(&d)
	if d.Last.Message != "kind three" || len(d.Events) != 1 {
		t.Errorf("the detail is %+v", d)
	}
}
