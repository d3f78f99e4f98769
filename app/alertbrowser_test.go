package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/observe"
	"seaworthy/queue"
)

// The operator is woken: he opens the link of the mail, sees what fires and since when, and says that he
// looks after it; wide and narrow, light and dark.
func TestAlertFromTheMailInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits, func(_ *config.Config, o *app.Options) {
		o.Disk = func(string) (int64, int64, error) { return 4e9, 100e9, nil }
	})
	a.Operator("grace@example.com")
	a.RunJobs()
	a.Browser().Post("/-/verify", "token", apptest.Token(a.Link("grace@example.com", "/-/verify")), "act", "confirm").Want(200)
	anAlert(a)
	for i := range 90 {
		took := 80 * time.Millisecond
		if i > 76 {
			took = 2400 * time.Millisecond
		}
		for range 20 + i%7 {
			a.Observe.Request("GET", "/invoices", took, i > 80 && i%3 == 0)
		}
		a.Observe.Job(queue.Failure{Job: queue.Info{ID: fmt.Sprint("job", i), Kind: "invoice.send"}, Dead: true, Err: "the printer is on fire"})
		for range 4 {
			a.Clock.Advance(15 * time.Second)
			a.Observe.Flush()
			a.Must(a.Observe.Look(t.Context()))
			a.RunJobs()
		}
	}
	_, err := a.Observe.MakeSilence(t.Context(), observe.SilenceChange{Rule: "job_age", Minutes: 90, Note: "the queue is moved"})
	a.Must(err)
	link := ""
	for _, m := range a.Mails("grace@example.com") {
		if strings.Contains(m.Text, "p95 2.") {
			for _, l := range m.Links {
				if strings.Contains(l, "/-/admin/alerts/") {
					link = l
				}
			}
		}
	}
	if link == "" {
		t.Fatal("no mail tells of the slow route")
	}
	for _, width := range []int{1280, 360} {
		ctx, said := chromium(t, width, 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900), chromedp.Navigate(link), chromedp.SendKeys("input[name=email]", "grace@example.com"),
			chromedp.SendKeys("input[name=password]", apptest.Password), chromedp.Submit("input[name=password]"), chromedp.WaitVisible(".alert-line")))
		for _, theme := range []string{"light", "dark"} {
			for name, path := range map[string]string{"alert": strings.TrimPrefix(link, a.URL), "alerts": "/-/admin/alerts", "settings": "/-/admin/alerts/settings", "observe": "/-/admin/observe?range=6h"} {
				a.Must(chromedp.Do(ctx, chromedp.Navigate(a.URL+path), chromedp.WaitVisible("h1")))
				_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "`+theme+`"`))
				a.Must(err)
				keep(t, ctx, fmt.Sprintf("observe-%s-%s-%d", name, theme, width))
				fits(t, ctx, path)
			}
		}
		if all := said(); len(all) > 0 {
			t.Errorf("the browser says %q", all)
		}
		if width == 360 {
			a.Must(chromedp.Do(ctx, chromedp.Navigate(link), chromedp.Click("button[value=acknowledged]"), chromedp.WaitVisible(".alert-ok")))
		}
	}
	for _, one := range a.Observe.Firing() {
		if strings.HasPrefix(one.Title, "Slow: ") {
			t.Error("it still asks for somebody")
		}
	}
}
