package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"seaworthy/app"
	"seaworthy/app/config"
	"seaworthy/app/web"
)

// opened is what opening a page of the console cost.
type opened struct {
	path       string
	took       time.Duration // the server's, the middle of several
	statements int64         // of one opening
	bytes      int
}

// measureOf is how often each page is opened.
const measureOf = 5

// measureDemo opens every page of the console of a demonstration and prints what each cost, the slowest
// first.
func measureDemo(ctx context.Context, v release, cfg config.Config, out io.Writer) (err error) {
	cfg.Replica, cfg.RateLimits = "off", "off"
	a, err := app.New(ctx, cfg, app.Options{Version: v.String(), Log: slog.New(slog.DiscardHandler), Own: v.Own, Extend: v.Extend})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Simulator.Close(), a.Close()) }()
	all, unseen, err := measureConsole(ctx, a)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "ms\tstatements\tKB\t page")
	for _, p := range all {
		fmt.Fprintf(w, "%.1f\t%d\t%.0f\t %s\n", float64(p.took.Microseconds())/1000, p.statements, float64(p.bytes)/1000, p.path)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, pattern := range unseen {
		fmt.Fprintf(out, "not opened, no page links to one: %s\n", pattern)
	}
	return nil
}

// measureConsole signs in as the operator, opens every page of the console, and of pages with an id in
// their address the first that another page links to; patterns to which nothing links are
// returned. The slowest come first.
func measureConsole(ctx context.Context, a *app.App) (all []opened, unseen []string, err error) {
	w := &world{ctx: ctx, a: a, url: a.Config.URL, people: map[string]*person{}}
	olive := &person{client: w.browser(), email: demoOperator, agent: agents[0]}
	if _, err := w.form(olive, "/-/login", "email", demoOperator, "password", demoPassword); err != nil {
		return nil, nil, err
	}
	open, links := pagesOf(a.Web.Routes())
	queue, seen := slices.Clone(open), map[string]bool{}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		page, text, err := w.open(olive, path)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, page)
		for pattern, re := range links {
			if found := re.FindStringSubmatch(text); found != nil && !seen[pattern] {
				seen[pattern] = true
				queue = append(queue, strings.ReplaceAll(found[1], "&amp;", "&"))
			}
		}
	}
	for pattern := range links {
		if !seen[pattern] {
			unseen = append(unseen, pattern)
		}
	}
	slices.Sort(unseen)
	slices.SortFunc(all, func(x, y opened) int { return cmp.Or(cmp.Compare(y.took, x.took), strings.Compare(x.path, y.path)) })
	return all, unseen, nil
}

// more are addresses that show lists as people narrow them.
var more = []string{"/-/admin/users?q=a", "/-/admin/users?only=unverified", "/-/admin/users?only=operators", "/-/admin/orgs?q=s", "/-/admin/orgs?only=shared", "/-/admin/search?q=ad", "/-/admin/search?q=user%3A",
	"/-/admin/jobs?state=dead", "/-/admin/jobs?state=completed", "/-/admin/jobs?kind=chart.render", "/-/admin/jobs?state=available", "/-/admin/jobs/queues?span=24h",
	"/-/admin/email?status=bounced", "/-/admin/email?status=delivered", "/-/admin/email?template=auth%2Fverify", "/-/admin/audit?action=user.signed_up", "/-/admin/audit?action=session.refused", "/-/admin/performance/series?class=ours&name=GET+%2F-%2Fadmin"}

// pagesOf are the addresses of pages, and by pattern what a link to a page with an id looks like.
func pagesOf(routes []web.Route) (open []string, links map[string]*regexp.Regexp) {
	links = map[string]*regexp.Regexp{}
	variable := regexp.MustCompile(`\\\{[a-z]+\\\}`)
	for _, r := range routes {
		switch {
		case r.Method != http.MethodGet || !strings.HasPrefix(r.Pattern, "/-/admin") || strings.HasSuffix(r.Pattern, "/events") || strings.Contains(r.Pattern, "export") || strings.HasSuffix(r.Pattern, "/series") || strings.Contains(r.Pattern, "kit"):
		case !strings.Contains(r.Pattern, "{"):
			open = append(open, r.Pattern)
		default:
			links[r.Pattern] = regexp.MustCompile(`href="(` + variable.ReplaceAllString(regexp.QuoteMeta(r.Pattern), `[^"/?#]+`) + `)"`)
		}
	}
	return append(open, more...), links
}

// open opens a page several times.
func (w *world) open(p *person, path string) (o opened, text string, err error) {
	if _, err := url.Parse(path); err != nil {
		return o, "", err
	}
	o.path = path
	var took []time.Duration
	for range measureOf {
		before, begun := w.a.Observe.Statements().Count, time.Now()
		if text, err = w.send(p.client, p.agent, "GET", path, "", "", nil); err != nil {
			return o, "", err
		}
		took = append(took, time.Since(begun))
		o.statements = w.a.Observe.Statements().Count - before
	}
	slices.Sort(took)
	o.took, o.bytes = took[len(took)/2], len(text)
	return o, text, nil
}
