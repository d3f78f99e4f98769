package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/queue"
	"seaworthy/store"
)

// lookAt opens a page wide and narrow, light and dark, and fails for what scrolls sideways, lacks a name
// or makes the browser complain.
func lookAt(t *testing.T, a *apptest.App, b *apptest.Browser, name, path string, then ...func(ctx context.Context)) {
	t.Helper()
	for _, width := range []int{1280, 360} {
		ctx, said := chromium(t, width, 900)
		a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), 900)))
		signedInAs(t, ctx, a, b)
		if err := chromedp.Do(ctx, chromedp.Navigate(a.URL+path)); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		fits(t, ctx, path)
		faultless(t, ctx, path)
		for _, theme := range []string{"light", "dark"} {
			_, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.documentElement.dataset.theme = %q`, theme)))
			a.Must(err)
			keep(t, ctx, fmt.Sprintf("%s-%d-%s", name, width, theme))
		}
		for _, f := range then {
			f(ctx)
		}
		for _, s := range said() {
			t.Errorf("%s at %d: the browser complains: %s", path, width, s)
		}
	}
}

func TestHomeInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits, withDoomed)
	ada := a.Operator("ada@example.com")
	for i := range 6 {
		a.SignUp(fmt.Sprintf("someone%d@subdomain.example.com", i))
		a.Clock.Advance(5 * time.Hour)
	}
	a.Must(a.DB.Write(t.Context(), func(tx *store.Tx) error { _, err := queue.Enqueue(tx, doomed{}); return err }))
	a.RunJobs()
	makeFlag(a, "f", "")
	lookAt(t, a, ada, "home", "/-/admin")
}

// The page of the design language shows both themes, in development alone.
func TestDesignPage(t *testing.T) {
	a := apptest.New(t)
	a.Operator("ada@example.com")
	a.Browser().Get("/-/dev/ui").Want(200, "Design language", "Contrast", "danger-zone", "ui-dark", "ui-light", "This does not look like an email address.").Without("stat-danger\" style", "pill-danger\"><span class=\"dot\" aria-hidden=\"true\"></span>no<")
	lookAt(t, a, a.Browser(), "design", "/-/dev/ui")
}

func TestDesignPageIsNotInProduction(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.URL, c.PostmarkToken = "https://app.example.com", "token" })
	a.Browser().Get("/-/dev/ui").Want(404)
}
