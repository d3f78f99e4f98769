package observe_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"seaworthy/app/apptest"
	"seaworthy/app/observe"
)

// reports sends an event of a type from a release and environment, n times.
func (s sender) reports(kind, release, environment, level string, n int) {
	s.a.T.Helper()
	for i := range n {
		s.want(200, fmt.Sprintf(`{"event_id":"%032x"}`, s.a.Clock.Now().UnixNano()+int64(i))+"\n"+event(fmt.Sprintf(`{"level":%q,"release":%q,"environment":%q,"exception":{"values":[{"type":%q,"value":"no %s"}]}}`, level, release, environment, kind, kind)))
	}
	s.a.Observe.Flush()
	s.a.Clock.Advance(time.Minute)
}

// listed are the titles that a list with a query shows, the newest first.
func listed(b *apptest.Browser, query string) (ids, titles []string) {
	var page observe.IssuePage
	b.Get("/-/api/v1/errors?" + query).Want(200).JSON(&page)
	for _, i := range page.Errors {
		ids, titles = append(ids, i.ID), append(titles, i.Title)
	}
	return ids, titles
}

func get(b *apptest.Browser, id string) (d observe.IssueDetail) {
	b.Get("/-/api/v1/errors/" + id).Want(200).JSON(&d)
	return d
}

// Several errors become one, which counts what each of them counts, and any of them can be taken out
// again with exactly what is its own.
func TestErrorsAreMergedAndTakenApart(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	key := s.a.Key("errors:*")
	s.reports("A", "1.0", "production", "error", 3)
	s.reports("B", "1.1", "staging", "warning", 2)
	s.reports("C", "1.2", "production", "fatal", 1)
	ids, _ := listed(key, "")
	if len(ids) != 3 {
		t.Fatalf("%d errors", len(ids))
	}
	c, b, a := ids[0], ids[1], ids[2]
	s.a.Forget()
	var whole observe.Issue
	key.PostJSON("/-/api/v1/errors/merge", observe.Merge{Errors: []string{a, b}}).Want(200).JSON(&whole)
	s.a.Expect(apptest.Happened{Audit: []string{"error.merged"}})
	if whole.N != 5 || whole.FirstRelease != "1.0" || whole.LastRelease != "1.1" || whole.Status != "open" {
		t.Errorf("the whole is %+v", whole)
	}
	if ids, _ := listed(key, "status=open"); !slices.Equal(ids, []string{c, whole.ID}) {
		t.Errorf("open are %v", ids)
	}
	if ids, _ := listed(key, ""); len(ids) != 2 {
		t.Errorf("all are %v", ids)
	}
	if ids, _ := listed(key, "environment=staging"); !slices.Equal(ids, []string{whole.ID}) {
		t.Errorf("of staging are %v", ids)
	}
	// Both are counted on, by themselves and together.
	s.reports("A", "1.3", "production", "error", 4)
	if d := get(key, whole.ID); d.N != 9 || len(d.Parts) != 2 || d.LastRelease != "1.3" || len(d.Events) != 9 {
		t.Errorf("the whole is %+v with %d parts and %d events", d.Issue, len(d.Parts), len(d.Events))
	}
	key.Do("PATCH", "/-/api/v1/errors/"+a, "application/json", `{"status":"resolved"}`).WantProblem(409, "merged")
	// More can join, and one that stands for others joins with all of them.
	key.PostJSON("/-/api/v1/errors/merge", observe.Merge{Errors: []string{c, whole.ID}}).Want(200).JSON(&whole)
	if d := get(key, whole.ID); d.N != 10 || len(d.Parts) != 3 {
		t.Errorf("with the third: %+v", d.Issue)
	}
	key.Do("PATCH", "/-/api/v1/errors/"+whole.ID, "application/json", `{"status":"resolved"}`).Want(200)
	// Seen again it is a regression of the whole.
	s.reports("B", "1.3", "staging", "warning", 1)
	if d := get(key, whole.ID); d.Status != "open" || d.RegressedAt.IsZero() || d.N != 11 {
		t.Errorf("after the regression: %+v", d.Issue)
	}
	s.a.Forget()
	key.PostJSON("/-/api/v1/errors/"+whole.ID+"/unmerge", observe.Unmerge{Error: a}).Want(200)
	s.a.Expect(apptest.Happened{Audit: []string{"error.unmerged"}})
	if d := get(key, a); d.N != 7 || d.Status != "open" || d.MergedInto != "" || d.FirstRelease != "1.0" {
		t.Errorf("the first is %+v", d.Issue)
	}
	if d := get(key, whole.ID); d.N != 4 || d.FirstRelease != "1.1" || len(d.Parts) != 2 {
		t.Errorf("the rest is %+v", d.Issue)
	}
	// What stands for one only is that one, and its address leads there.
	key.PostJSON("/-/api/v1/errors/"+whole.ID+"/unmerge", observe.Unmerge{Error: c}).Want(200)
	if d := get(key, b); d.N != 3 || d.MergedInto != "" {
		t.Errorf("the last is %+v", d.Issue)
	}
	if ids, _ := listed(key, ""); len(ids) != 3 || slices.Contains(ids, whole.ID) {
		t.Errorf("all are %v", ids)
	}
	op := s.a.Operator("op@example.com")
	op.Get("/-/admin/errors/"+whole.ID).Want(200, "B: no B")
}

func TestMergeIsRefused(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	key := s.a.Key("errors:*")
	s.reports("A", "1", "p", "error", 1)
	s.reports("B", "1", "p", "error", 1)
	ids, _ := listed(key, "")
	s.a.Forget()
	for _, in := range [][]string{nil, {ids[0]}, {ids[0], ids[0]}, {ids[0], "iss_00000000000000000000000000"}} {
		key.PostJSON("/-/api/v1/errors/merge", observe.Merge{Errors: in}).WantProblem(422, "invalid", "errors")
	}
	key.PostJSON("/-/api/v1/errors/"+ids[0]+"/unmerge", observe.Unmerge{Error: ids[1]}).WantProblem(422, "invalid", "error")
	s.a.Key("errors:read").PostJSON("/-/api/v1/errors/merge", observe.Merge{Errors: ids}).Want(403)
	for _, i := range ids {
		if d := get(key, i); d.MergedInto != "" || d.N != 1 {
			t.Errorf("%+v", d.Issue)
		}
	}
	s.reports("C", "1", "p", "error", 1)
	key.PostJSON("/-/api/v1/errors/merge", observe.Merge{Errors: ids}).Want(200)
	left, _ := listed(key, "")
	s.a.RunJobs()
	s.a.Forget()
	key.PostJSON("/-/api/v1/errors/merge", observe.Merge{Errors: []string{ids[0], left[0]}}).WantProblem(422, "invalid", "errors")
	s.a.ExpectNothing() // no event says that it was done
}

// A list is narrowed by what its address says, each way and together, page by page.
func TestErrorsAreFiltered(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	other, err := s.a.Observe.MakeProject(t.Context(), observe.ProjectChange{Name: "other"})
	s.a.Must(err)
	o := sender{a: s.a, p: other, key: other.Keys[0].Public}
	s.reports("Pay%Error", "1.0", "production", "error", 1)
	s.reports("Pay%Error", "1.1", "staging", "fatal", 1)
	s.reports("KeyError", "1.1", "production", "warning", 1)
	o.reports("Late", "1.1", "production", "error", 1)
	op := s.a.Operator("op@example.com")
	key := s.a.Key("errors:*")
	ids, _ := listed(key, "q=late")
	key.Do("PATCH", "/-/api/v1/errors/"+ids[0], "application/json", `{"assignee":"`+s.a.UserID("op@example.com")+`"}`).Want(200)
	for query, want := range map[string][]string{
		"": {"Late: no Late", "KeyError: no KeyError", "Pay%Error: no Pay%Error"}, "project=1": {"KeyError: no KeyError", "Pay%Error: no Pay%Error"}, "project=2": {"Late: no Late"}, "project=ours": nil,
		"release=1.0": {"Pay%Error: no Pay%Error"}, "release=1.1&project=1": {"KeyError: no KeyError", "Pay%Error: no Pay%Error"}, "environment=staging": {"Pay%Error: no Pay%Error"},
		"level=fatal": {"Pay%Error: no Pay%Error"}, "assignee=nobody": {"KeyError: no KeyError", "Pay%Error: no Pay%Error"}, "assignee=" + s.a.UserID("op@example.com"): {"Late: no Late"},
		"q=KEYERR": {"KeyError: no KeyError"}, "q=y%25e": {"Pay%Error: no Pay%Error"}, "q=a%25e": nil, "environment=production&level=error": {"Late: no Late"}, "status=resolved&q=Late": nil,
	} {
		if _, got := listed(key, query); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	for _, bad := range []string{"project=x", "project=-1", "level=awful", "status=x", "cursor=x", "limit=0"} {
		key.Get("/-/api/v1/errors?" + bad).Want(422)
	}
	var page observe.IssuePage
	key.Get("/-/api/v1/errors?project=1&limit=1").Want(200).JSON(&page)
	if len(page.Errors) != 1 || page.Next == "" {
		t.Fatalf("the first page is %+v", page)
	}
	var next observe.IssuePage
	key.Get("/-/api/v1/errors?project=1&limit=1&cursor=" + page.Next).Want(200).JSON(&next)
	if len(next.Errors) != 1 || next.Errors[0].ID == page.Errors[0].ID || next.Next != "" {
		t.Errorf("the second page is %+v", next)
	}
	op.Get("/-/admin/errors?assignee=me").Want(200, "Late: no Late").Without("KeyError: no")
	op.Get("/-/admin/errors?release=9.9").Want(200, "No error in this state matches the filter")
	ids, _ = listed(key, "project=1")
	op.Post("/-/admin/errors/merge", "error", ids[0], "error", ids[1]).Want(200, "The errors are one now", "Take out")
}

// An occurrence leads to the one before and after it.
func TestOccurrencesLeadToEachOther(t *testing.T) {
	t.Parallel()
	s := project(t, observe.ProjectChange{})
	for range 3 {
		s.reports("A", "1", "p", "error", 1)
	}
	op := s.a.Operator("op@example.com")
	id, _ := listed(s.a.Key("errors:*"), "")
	path := "/-/admin/errors/" + id[0]
	seen := map[string]bool{}
	page := op.Get(path).Want(200, "Earlier").Without("Later →")
	for range 2 {
		_, rest, ok := strings.Cut(page.Body, `<a href="`+path+`?event=`)
		name, _, _ := strings.Cut(rest, `"`)
		if !ok || seen[name] {
			t.Fatalf("there is nothing before, or %s again", name)
		}
		seen[name] = true
		page = op.Get(path+"?event="+name).Want(200, "Later →")
	}
	op.Get(path+"?event=first").Want(200, "The first occurrence", "Later →").Without("← Earlier")
}
