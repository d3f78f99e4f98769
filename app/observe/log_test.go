package observe_test

import (
	"fmt"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/observe"
)

func TestLogIsSearched(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, failing, apptest.WithoutLimits)
	reader := a.Key("logs:read")
	ask := func(query string) (page observe.LogPage) {
		t.Helper()
		a.Observe.Flush()
		reader.Get("/-/api/v1/logs?" + query).Want(200).JSON(&page)
		return page
	}
	ada := a.SignUp("ada@example.com")
	failed := ada.Get("/-/test/fail?say=about+to+break").Want(500)
	id := failed.Header.Get("X-Request-Id")
	of := ask("request=" + id)
	if len(of.Lines) != 3 || of.Lines[2].Message != "about to break" || of.Lines[1].Message != "request failed" || of.Lines[0].Message != "request" {
		t.Fatalf("the request said %+v", of.Lines)
	}
	for _, l := range of.Lines[:1] {
		if l.User != a.UserID("ada@example.com") {
			t.Errorf("%s does not name the user: %+v", l.Message, l)
		}
	}
	if attrs := string(of.Lines[2].Attrs); !strings.Contains(attrs, `"tries":3,"share":0.25,"limit":"+Inf"`) {
		t.Errorf("attributes are %s", of.Lines[2].Attrs)
	}
	if got := ask("q=to+bre"); len(got.Lines) != 1 || got.Lines[0].Seq != of.Lines[2].Seq {
		t.Errorf("a search for text finds %+v", got.Lines)
	}
	if got := ask("q=100%25"); len(got.Lines) != 0 {
		t.Errorf("a percent sign is taken for a pattern: %+v", got.Lines)
	}
	if got := ask("level=error&request=" + id); len(got.Lines) != 1 || got.Lines[0].Message != "request failed" {
		t.Errorf("errors alone are %+v", got.Lines)
	}
	if got := ask("user=" + a.UserID("ada@example.com") + "&q=test/fail"); len(got.Lines) != 2 {
		t.Errorf("the user's lines are %+v", got.Lines)
	}
	a.RunJobs()
	// Pages neither skip nor repeat a line.
	seen, next := map[int64]bool{}, ""
	for {
		page := ask("limit=2" + next)
		for _, l := range page.Lines {
			if seen[l.Seq] {
				t.Errorf("line %d comes twice", l.Seq)
			}
			seen[l.Seq] = true
		}
		if page.Next == "" || len(seen) > 500 {
			break
		}
		next = "&cursor=" + page.Next
	}
	if len(seen) < 8 {
		t.Errorf("only %d lines in all", len(seen))
	}
	for query, field := range map[string]string{"level=loud": "level", "limit=0": "limit", "limit=201": "limit", "cursor=x": "cursor", "cursor=-1": "cursor", "q=" + strings.Repeat("x", 201): "q"} {
		reader.Get("/-/api/v1/logs?"+query).WantProblem(422, "invalid", field)
	}
	a.Key("jobs:read").Get("/-/api/v1/logs").WantProblem(403, "forbidden")
	a.Browser().Get("/-/api/v1/logs").WantProblem(401, "signed_out")
}

func TestLogPageShowsAndLinks(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, failing, apptest.WithoutLimits)
	op := a.Operator("op@example.com")
	op.Get("/-/admin/logs").Want(200, "No lines yet")
	op.Get("/-/test/fail?say=%3Cscript%3Ealert(1)%3C/script%3E").Want(500)
	a.Observe.Flush()
	page := op.Get("/-/admin/logs?q=alert").Want(200, "This request", "Clear")
	if !strings.Contains(page.Body, "&lt;script&gt;alert(1)") || strings.Contains(page.Body, "<script>alert") {
		t.Error("a line of the log is taken for markup")
	}
	op.Get("/-/admin/logs?q=nowhere+to+be+found").Want(200, "No such lines")
	op.Get("/-/admin/logs?level=loud").Want(422)
	a.Verified("ada@example.com").Get("/-/admin/logs").Want(403)
}

// Fault 15: secrets in a message, an attribute, a URL, SQL and an error are nowhere.
func TestFault15CanariesAreNowhere(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, failing, apptest.WithoutLimits)
	canaries := []string{"sk_live_canary0000000001", "whsec_canary0000000000000002", "eyJjYW5hcnkiOiIzIn0x.eyJjYW5hcnkiOiIzIn0.c2lnY2FuYXJ5", "canary-password-4", "canary-bearer-0005", "4111 1111 1111 1111", "canary-key-0001"}
	say := fmt.Sprintf("key %s hook %s jwt %s dial postgres://u:%s@db/x header Bearer %s card %s UPDATE u SET password='%s'",
		canaries[0], canaries[1], canaries[2], canaries[3], canaries[4], canaries[5], canaries[3])
	a.Browser().Get("/-/test/fail?say=" + strings.ReplaceAll(say, " ", "+")).Want(500)
	a.Observe.Capture(t.Context(), fmt.Errorf("it failed: %s", say))
	a.Logger().Warn(say, "password", "canary-password-4", "err", fmt.Errorf("%s", say))
	a.Logger().With("token", canaries[0]).WithGroup("g").Warn("grouped", "secret", canaries[4])
	a.Observe.Flush()
	a.Must(a.Observe.Close())
	everything := files(t, a) + a.Logs()
	if !strings.Contains(everything, "it failed: key") || !strings.Contains(everything, "grouped") {
		t.Fatal("what was said is not there at all")
	}
	for _, c := range canaries {
		if strings.Contains(everything, c) {
			at := strings.Index(everything, c)
			t.Errorf("%s is kept: …%q…", c, everything[max(0, at-60):at+40])
		}
	}
}
