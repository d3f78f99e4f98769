package app_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	nethtml "golang.org/x/net/html"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/command"
	"seaworthy/app/config"
	"seaworthy/app/docs"
	"seaworthy/app/web"
)

// documented is an app whose documentation knows the command line, as the binary's does.
func documented(t *testing.T) *apptest.App {
	t.Helper()
	return apptest.New(t, func(c *config.Config, o *app.Options) {
		c.StripeSim = "auto"
		o.Commands = func() []docs.Command { return command.Commands("seaworthy") }
	})
}

// docPages are the paths of all pages, as the contents name them.
func docPages(t *testing.T, a *apptest.App) []string {
	t.Helper()
	all := []string{"/-/docs", "/-/docs/search?q=stripe+key", "/-/docs/search?q=nowhere-to-be-found", "/-/docs/api?q=invoices", "/-/docs/api?q=nowhere-to-be-found"}
	for _, path := range []string{"/-/docs", "/-/docs/api"} {
		for n := range nodes(parsed(t, a.Browser().Get(path).Want(200).Body), "a") {
			to, _, _ := strings.Cut(attr(n, "href"), "#")
			if strings.HasPrefix(to, "/-/docs/") && !slices.Contains(all, to) {
				all = append(all, to)
			}
		}
	}
	return all
}

func parsed(t *testing.T, page string) *nethtml.Node {
	t.Helper()
	root, err := nethtml.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// No link of the documentation leads nowhere, and no anchor is missing.
func TestDocsHaveNoDeadLink(t *testing.T) {
	t.Parallel()
	a := documented(t)
	b := a.Browser()
	ids := map[string]map[string]bool{}
	idsOf := func(path string) map[string]bool {
		if ids[path] == nil {
			ids[path] = map[string]bool{}
			for n := range parsed(t, b.Get(path).Want(200).Body).Descendants() {
				if id := attr(n, "id"); n.Type == nethtml.ElementNode && id != "" {
					ids[path][id] = true
				}
			}
		}
		return ids[path]
	}
	pages := docPages(t, a)
	if len(pages) < 45 {
		t.Fatalf("only %d pages were found: %v", len(pages), pages)
	}
	for _, path := range pages {
		for n := range nodes(parsed(t, b.Get(path).Want(200).Body), "a") {
			to, anchor, _ := strings.Cut(attr(n, "href"), "#")
			switch {
			case to == "" && anchor != "":
				to = path
			case !strings.HasPrefix(to, "/"):
				continue // elsewhere
			}
			where, _, _ := strings.Cut(to, "?")
			if !strings.HasPrefix(where, "/-/docs") {
				if !served(a, "GET", where) && where != "/" {
					t.Errorf("%s links to %s, which nobody serves", path, to)
				}
				continue
			}
			if anchor != "" && !idsOf(to)[anchor] {
				t.Errorf("%s links to %s#%s, and there is no such place", path, to, anchor)
			} else if anchor == "" {
				b.Get(to).Want(200)
			}
		}
	}
}

// served reports whether a route takes an address. A part that is to be filled in, as
// {slug}, $ID or <name>, matches any; one that ends with a slash may be a beginning.
func served(a *apptest.App, method, address string) bool {
	parts := strings.Split(strings.TrimSuffix(address, "/"), "/")
	return slices.ContainsFunc(a.Web.Routes(), func(r web.Route) bool {
		if method != "" && r.Method != method {
			return false
		}
		want := strings.Split(strings.TrimSuffix(strings.TrimSuffix(r.Pattern, "/{$}"), "/"), "/")
		if strings.HasSuffix(address, "/") && len(parts) < len(want) {
			want = want[:len(parts)]
		}
		for i, w := range want {
			if strings.HasSuffix(w, "...}") {
				return true
			}
			if i >= len(parts) || !strings.HasPrefix(w, "{") && w != parts[i] && !strings.ContainsAny(parts[i], "{$<…") {
				return false
			}
		}
		return len(parts) == len(want)
	})
}

// What the reference lists is what there is.
func TestReferenceIsWhole(t *testing.T) {
	t.Parallel()
	a := documented(t)
	b := a.Browser()
	page := b.Get("/-/docs/config").Want(200).Body
	for _, o := range config.Options() {
		if !strings.Contains(page, `id="`+o.Flag+`"`) || !strings.Contains(page, o.Var) {
			t.Errorf("the option %s is missing", o.Flag)
		}
	}
	page = b.Get("/-/docs/commands").Want(200).Body
	all := command.Commands("seaworthy")
	if len(all) < 40 {
		t.Errorf("only %d commands", len(all))
	}
	for _, c := range all {
		if !strings.Contains(page, `id="`+c.Anchor()+`"`) {
			t.Errorf("the command %s is missing", c.Path)
		}
	}
	page = b.Get("/-/docs/actions").Want(200).Body
	for _, k := range a.Audit.Actions() {
		if !strings.Contains(page, "<code>"+string(k.Action)+"</code>") {
			t.Errorf("the action %s is missing", k.Action)
		}
	}
	page = b.Get("/-/docs/metrics").Want(200).Body
	a.SignUp("ada@example.com")
	a.RunJobs()
	exported := 0
	for line := range strings.Lines(b.Get("/-/metrics").Want(200).Body) {
		name, ok := strings.CutPrefix(line, "# TYPE ")
		if name, _, _ = strings.Cut(name, " "); !ok || !strings.HasPrefix(name, "seaworthy_") {
			continue
		}
		exported++
		if !strings.Contains(page, "<code>"+name+"</code>") {
			t.Errorf("the metric %s is missing", name)
		}
	}
	if exported < 25 {
		t.Errorf("only %d metrics are exported", exported)
	}
	var spec struct{ Paths map[string]map[string]any }
	b.Get("/-/api/openapi.json").Want(200).JSON(&spec)
	page = b.Get("/-/docs/api").Want(200).Body
	operations := 0
	for path, methods := range spec.Paths {
		for method := range methods {
			operations++
			if want := strings.ToUpper(method) + `</b> <code>` + path + `</code>`; !strings.Contains(page, want) {
				t.Errorf("the operation %s is missing", want)
			}
		}
	}
	if operations < 250 {
		t.Errorf("only %d operations", operations)
	}
}

// An operation's page says what it needs, takes and answers.
func TestAPIPageSaysHow(t *testing.T) {
	t.Parallel()
	a := documented(t)
	b := a.Browser()
	b.Get("/-/docs/api/jobs").Want(200, `id="post_jobs"`, "jobs:enqueue", "Idempotency-Key", "job.enqueued", `<code>kind</code> <span>needed</span>`, "201 Created",
		a.URL+"/-/api/v1/jobs", `-H &#34;Authorization: Bearer $KEY&#34;`)
	b.Get("/-/docs/api/nowhere").Want(404)
	b.Get("/-/docs/nowhere").Want(404)
	b.Get("/-/docs/api?q=invoices+refund").Want(200, "/-/api/v1/billing/invoices/{id}/refund").Without("/-/api/v1/signup")
}

// The search finds pages, options, commands, operations and what is recorded; nothing
// that is typed becomes markup.
func TestDocsSearch(t *testing.T) {
	t.Parallel()
	a := documented(t)
	b := a.Browser()
	for query, want := range map[string]string{
		"lost+passphrase":       "/-/docs/lost-key#passphrase",
		"SEAWORTHY_UPSTREAM":    "/-/docs/config#upstream",
		"backup+verify":         "/-/docs/commands#seaworthy-backup-verify",
		"invoices+refund":       "/-/docs/api/billing#post_billing_invoices_id_refund",
		"session.revoked":       "/-/docs/actions#session-revoked",
		"flags:kill":            "/-/docs/permissions#flags-kill",
		"authorization+headers": "/-/docs/",
	} {
		b.Get("/-/docs/search?q="+query).Want(200, want)
	}
	if page := b.Get("/-/docs/search?q=%3Cscript%3E").Want(200, "Nothing has all of these words"); strings.Contains(page.Body, "<script>") {
		t.Error("what is searched for becomes markup")
	}
	b.Get("/-/docs/search").Want(200, "Nothing is searched for yet")
	b.Get("/-/docs/search?q=" + strings.Repeat("a+b+", 200)).Want(200)
}

// At 360 px no page of the documentation scrolls sideways, and none shuts anybody out.
func TestDocsFitAPhone(t *testing.T) {
	a := documented(t)
	pages := docPages(t, a)
	ctx, said := chromium(t, 360, 780)
	a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(360, 780)))
	for _, path := range pages {
		a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+path)))
		fits(t, ctx, path)
		faultless(t, ctx, path)
		keep(t, ctx, "docs-phone"+strings.NewReplacer("/", "-", "?", "-").Replace(path))
	}
	for _, s := range said() {
		t.Errorf("the browser complains: %s", s)
	}
}

// axe-core finds nothing on any page of the documentation, in either theme. It takes
// axe-core's script, as TestEveryPage does, which comes to one page of the guide alone.
func TestDocsInAxe(t *testing.T) {
	script := os.Getenv("SEAWORTHY_AXE")
	if script == "" {
		t.Skip("SKIPPED: SEAWORTHY_AXE does not name axe-core's script, so no page of the documentation was held to it (.ci/run has it)")
	}
	axe, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	a := documented(t)
	ctx, said := chromiumFor(t, 1280, 900, 8*time.Minute)
	e := examiner{t: t, ctx: ctx, url: a.URL, axe: string(axe), said: said}
	who := &walker{Browser: a.Browser()}
	for _, path := range docPages(t, a) {
		if strings.HasPrefix(path, "/-/docs/api/") && path != "/-/docs/api/jobs" {
			continue // large, and made by one template
		}
		e.examine(page{path: path, pattern: strings.NewReplacer("?", "-", "+", "-").Replace(path), who: who})
	}
}
