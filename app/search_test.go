package app_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"seaworthy/app/apptest"
)

type foundJSON struct {
	Query  string
	Groups []struct {
		Group, List string
		Hits        []struct{ ID, Title, Detail, Path, State string }
	}
	Left []string `json:"left_off"`
}

// hits are the paths that were found in a group.
func (f foundJSON) hits(group string) (paths []string) {
	for _, g := range f.Groups {
		for _, h := range g.Hits {
			if g.Group == group {
				paths = append(paths, h.Path)
			}
		}
	}
	return paths
}

// Each kind of thing is found by what people have of it, and a whole id leads to its page.
func TestSearch(t *testing.T) {
	t.Parallel()
	stripe := apptest.NewStripe()
	a := apptest.New(t, apptest.WithoutLimits, apptest.Selling(stripe))
	grace := a.Operator("grace@example.com")
	first := a.Verified("Ada.Lovelace@example.com")
	first.Post("/-/account/orgs/new", "name", "Rockets and Co", "slug", "rockets").Want(200)
	a.RunJobs()
	org := a.Query(`SELECT id FROM auth_org WHERE slug = 'rockets'`)
	sellingTo(a, stripe, org)
	makeFlag(a, "new-chart", "")
	issue := anError(a)
	user, message := a.UserID("ada.lovelace@example.com"), a.Query(`SELECT id FROM email_message WHERE recipient_norm = 'ada.lovelace@example.com' LIMIT 1`)
	job, event := a.Query(`SELECT id FROM queue_job WHERE kind = 'email.deliver' LIMIT 1`), a.Query(`SELECT id FROM audit_event LIMIT 1`)
	customer := a.Query(`SELECT id FROM billing_customer LIMIT 1`)
	look := func(q string) (f foundJSON) {
		t.Helper()
		grace.Get("/-/api/v1/search?q=" + q).Want(200).JSON(&f)
		if len(f.Left) > 0 {
			t.Errorf("%s: %v were not looked through", q, f.Left)
		}
		return f
	}
	for _, c := range []struct{ q, group, path string }{
		{"ADA.lov", "Users", "/-/admin/users/" + user},
		{user, "Users", "/-/admin/users/" + user},
		{user[:20], "Users", "/-/admin/users/" + user},
		{user, "Audit", "/-/admin/audit?target=user%3A" + user},
		{"user:" + user, "Audit", "/-/admin/audit?target=user%3A" + user},
		{"rockets", "Orgs", "/-/admin/orgs/" + org},
		{"Rockets+and", "Orgs", "/-/admin/orgs/" + org},
		{org, "Orgs", "/-/admin/orgs/" + org},
		{"rock", "Billing", "/-/admin/billing/customers/" + customer},
		{customer, "Billing", "/-/admin/billing/customers/" + customer},
		{"email.del", "Jobs", "/-/admin/jobs?kind=email.deliver"},
		{job, "Jobs", "/-/admin/jobs/" + job},
		{"ada.lovelace@example.com", "Messages", "/-/admin/email/messages/" + message},
		{message, "Messages", "/-/admin/email/messages/" + message},
		{"new-c", "Flags", "/-/admin/flags/new-chart"},
		{"chart", "Flags", "/-/admin/flags/new-chart"},
		{issue, "Errors", "/-/admin/errors/" + issue},
		{event, "Audit", "/-/admin/audit/events/" + event},
		{"signed+in", "Audit", "/-/admin/audit?action=session.created"},
	} {
		if got := look(c.q).hits(c.group); !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+c.path+"\n") {
			t.Errorf("%s among %s: %v, want %s", c.q, c.group, got, c.path)
		}
	}
	for _, q := range []string{"nobody-at-all", "%25%25", "_%25_", "usr_%27", "🙂🙂", strings.Repeat("x", 255), "evt_none", "req_none", "sub_none", "in_none"} {
		if f := look(q); len(f.Groups) > 0 {
			t.Errorf("%q finds %v", q, f.Groups)
		}
	}
	for id, path := range map[string]string{user: "/-/admin/users/" + user, job: "/-/admin/jobs/" + job, message: "/-/admin/email/messages/" + message,
		event: "/-/admin/audit/events/" + event, org: "/-/admin/orgs/" + org, issue: "/-/admin/errors/" + issue, customer: "/-/admin/billing/customers/" + customer} {
		if p := grace.Get("/-/admin/search?q=" + id).Want(200); p.Path != path {
			t.Errorf("%s leads to %s, want %s", id, p.Path, path)
		}
	}
	grace.Get("/-/admin/search?q=req_0123").Want(200, "Logs")
	grace.Get("/-/admin/search?q=ada").Want(200, "Ada.Lovelace@example.com", "Users", "Messages")
	grace.Get("/-/admin/search?q=nobody-at-all").Want(200, "Nothing found")
	grace.Get("/-/admin/search").Want(200, "Find anything by its beginning")
	grace.Get("/-/admin/search?q=%3Cscript%3E").Want(200).Without("<script>q", "q=<script")
	grace.Get("/-/api/v1/search?q=a").WantProblem(422, "invalid", "q")
	grace.Get("/-/api/v1/search").WantProblem(422, "invalid", "q")
	a.Forget()
	look("ada")
	a.ExpectNothing()
}

// A group is searched only for whoever may see its list.
func TestSearchShowsWhatOneMaySee(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits)
	a.Operator("grace@example.com")
	bob := a.Verified("bob@example.com")
	bob.Get("/-/admin/search?q=grace").Want(403)
	bob.Get("/-/api/v1/search?q=grace").Want(403)
	a.Grant("bob@example.com", "console:read", "jobs:read")
	var f foundJSON
	bob.Get("/-/api/v1/search?q=grace").Want(200).JSON(&f)
	if len(f.Groups) > 0 {
		t.Errorf("%+v", f)
	}
	bob.Get("/-/api/v1/search?q=email.d").Want(200).JSON(&f)
	if len(f.Groups) != 1 || f.Groups[0].Group != "Jobs" {
		t.Errorf("%+v", f)
	}
	user := a.UserID("grace@example.com")
	if p := bob.Get("/-/admin/search?q="+user).Want(200, "Nothing found"); !strings.HasPrefix(p.Path, "/-/admin/search?") {
		t.Errorf("an id that he may not see leads to %s", p.Path)
	}
}

// One group that cannot be read says so; the others are found.
func TestSearchWithOneGroupUnreadable(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	ada := a.Operator("ada@example.com")
	breakTable(a, "queue_job")
	var f foundJSON
	ada.Get("/-/api/v1/search?q=email.del").Want(200).JSON(&f)
	if strings.Join(f.Left, " ") != "Jobs" {
		t.Errorf("%+v", f)
	}
	ada.Get("/-/api/v1/search?q=ada@").Want(200).JSON(&f)
	if len(f.hits("Users")) != 1 {
		t.Errorf("%+v", f)
	}
}

// By the keyboard: / goes to the search, what is typed is found below, the arrows lead through it, Enter
// opens it, Escape empties and leaves it.
func TestSearchByKeyboardInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	a.SignUp("ada@example.com")
	a.RunJobs()
	lookAt(t, a, grace, "search", "/-/admin/search?q=example")
	lookAt(t, a, grace, "search-none", "/-/admin/search?q=nobody-at-all")
	for _, width := range []int64{1280, 360} {
		ctx, said := chromium(t, int(width), 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)))
		signedInAs(t, ctx, a, grace)
		focus := func() string {
			t.Helper()
			s, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement.getAttribute("href") || document.activeElement.name || document.activeElement.localName`))
			a.Must(err)
			return s
		}
		want := func(key, where string) {
			t.Helper()
			a.Must(chromedp.Do(ctx, chromedp.KeyEvent(key)))
			if got := focus(); got != where {
				t.Errorf("at %d, %q leads to %q, want %q", width, key, got, where)
			}
		}
		// The driver types the slash although the page took it.
		typed := func(text string) {
			t.Helper()
			_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.activeElement.value = ""`))
			a.Must(err)
			a.Must(chromedp.Do(ctx, chromedp.KeyEvent(text), chromedp.WaitVisible("#found a.found-hit")))
		}
		ada := "/-/admin/users/" + a.UserID("ada@example.com")
		a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/admin")))
		want("/", "q")
		typed("ada@ex")
		fits(t, ctx, "what is found")
		keep(t, ctx, "search-typing-"+map[int64]string{1280: "1280", 360: "360"}[width])
		want(kb.ArrowDown, ada)
		want(kb.ArrowUp, "q")
		want(kb.ArrowDown, ada)
		want(kb.Escape, "q")
		if left, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll("#found a").length`)); err != nil || left != 0 {
			t.Errorf("%d results are left after Escape (%v)", left, err)
		}
		want(kb.Escape, "q")
		want(kb.Escape, "body")
		want("/", "q")
		typed("ada@ex")
		want(kb.ArrowDown, ada)
		a.Must(chromedp.Do(ctx, chromedp.KeyEvent(kb.Enter), chromedp.WaitReady(".facts")))
		if at, err := chromedp.Run(ctx, chromedp.Location()); err != nil || !strings.HasSuffix(at, ada) {
			t.Errorf("Enter leads to %s (%v)", at, err)
		}
		for _, s := range said() {
			t.Errorf("at %d the browser complains: %s", width, s)
		}
	}
}

// The keys that the help lists do what it says.
func TestKeysInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	grace := a.Operator("grace@example.com")
	a.SignUp("ada@example.com")
	a.RunJobs()
	ctx, said := chromium(t, 1280, 900)
	signedInAs(t, ctx, a, grace)
	says := func(what, want string) {
		t.Helper()
		if got, err := chromedp.Run(ctx, chromedp.Evaluate[string](what)); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", what, got, want, err)
		}
	}
	press := func(keys string) {
		t.Helper()
		a.Must(chromedp.Do(ctx, chromedp.KeyEvent(keys)))
	}
	const open, row = `String(document.getElementById("keys").open)`, `document.activeElement.querySelector?.("td a, a")?.textContent || ""`
	a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+"/-/admin/users"), chromedp.WaitReady("#keys")))
	press("?")
	says(open, "true")
	says(`String(document.querySelectorAll("[data-go-list] dt").length >= 15)`, "true")
	says(`[...document.querySelectorAll("[data-go-list] dd")].map((d) => d.textContent).filter((d, i, all) => all.indexOf(d) !== i).join()`, "")
	press(kb.Escape)
	says(open, "false")
	press("j")
	says(row, "ada@example.com")
	press("j")
	says(row, "grace@example.com")
	press("j")
	says(row, "grace@example.com")
	press("k")
	says(row, "ada@example.com")
	a.Must(chromedp.Do(ctx, chromedp.KeyEvent(kb.Enter), chromedp.WaitReady(".facts")))
	says(`location.pathname`, "/-/admin/users/"+a.UserID("ada@example.com"))
	press("g")
	a.Must(chromedp.Do(ctx, chromedp.KeyEvent("j"), chromedp.WaitReady("table, .empty")))
	says(`location.pathname`, "/-/admin/jobs")
	press("f")
	says(`document.activeElement.name`, "kind")
	press(kb.Escape)
	says(`document.activeElement.localName`, "body")
	for _, s := range said() {
		t.Errorf("the browser complains: %s", s)
	}
}
