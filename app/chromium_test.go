package app_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
	"seaworthy/app/web"
)

// chromium opens a page of a real browser for the test, in a profile of its own. Without a
// browser the test is skipped, aloud; where CI is set it fails.
func chromium(t *testing.T, width, height int) (context.Context, func() []string) {
	t.Helper()
	return chromiumFor(t, width, height, time.Minute)
}

// chromiumFor is chromium for a test that takes longer than most.
func chromiumFor(t *testing.T, width, height int, limit time.Duration) (context.Context, func() []string) {
	t.Helper()
	var mu sync.Mutex
	var said []string
	hears := func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			for _, arg := range e.Args {
				said = append(said, "console: "+string(arg.Value))
			}
		case *runtime.EventExceptionThrown:
			said = append(said, "exception: "+e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if strings.HasPrefix(e.Entry.Text, "Autofocus processing was blocked") {
				return // the test was quicker than the page: it had put the focus somewhere
			}
			said = append(said, "log: "+e.Entry.Text+" "+e.Entry.URL)
		}
	}
	var ctx context.Context
	for try := 0; ; try++ {
		browser, err := theBrowser.get(t)
		if err == nil {
			page, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
			watchdog := time.AfterFunc(limit, cancel)
			context.AfterFunc(t.Context(), cancel) // before the test's app is closed, which waits for what streams to the page
			t.Cleanup(func() { watchdog.Stop(); cancel() })
			if err = chromedp.Listen(page, hears); err == nil {
				ctx = page
				break
			}
		}
		// On a machine that is busy it now and then ends before it has begun.
		if try == 2 {
			t.Fatal(err)
		}
		t.Log("once more: ", err)
		theBrowser.close()
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), int64(height))); err != nil {
		t.Fatal(err)
	}
	return ctx, func() []string { mu.Lock(); defer mu.Unlock(); return said }
}

// theBrowser is one for all tests: to start it takes longer than most of what they do in it.
var theBrowser browser

type browser struct {
	mu      sync.Mutex
	running context.Context // nil: it is to be started
	end     func()
}

func (b *browser) get(t *testing.T) (context.Context, error) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running != nil && b.running.Err() == nil {
		return b.running, nil
	}
	path := ""
	names := []string{"chromium", "chromium-browser", "google-chrome", "chrome"}
	// The shell is the same engine without a window, and takes a third less of the machine. But
	// its console tells of the messages by which axe-core asks a frame in a sandbox in vain.
	if os.Getenv("SEAWORTHY_AXE") == "" {
		names = slices.Insert(names, 0, "chromium-headless-shell")
	}
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("CI must have Chromium: install Debian's package chromium")
		}
		t.Skip("SKIPPED: no Chromium on this machine, so no page was tried in a browser (install the package chromium)")
	}
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(profile))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	running, cancel := chromedp.NewContext(alloc)
	end := func() { cancel(); stop(); os.RemoveAll(profile) }
	if err := chromedp.Do(running); err != nil { // which starts it
		end()
		return nil, err
	}
	b.running, b.end = running, end
	return running, nil
}

// close ends the browser, if there is one; the next test starts another.
func (b *browser) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running != nil {
		b.end()
		b.running = nil
	}
}

// keep writes a screenshot where SEAWORTHY_SCREENSHOTS says, for people to look at.
func keep(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv("SEAWORTHY_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// shows reports whether an element is there and visible, in a page that has
// loaded: chromedp's own waits can lose a page that replaces another.
func shows(t *testing.T, ctx context.Context, selector string) bool {
	t.Helper()
	seen, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`(document.querySelector("`+selector+`")?.getClientRects().length ?? 0) > 0`))
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// gone waits until a page is there, whole, on which there is nothing of what was there before.
// Between two pages there is a moment without either, in which nothing is found of the next.
func gone(selector string) chromedp.Action[chromedp.Void] {
	settled := chromedp.Evaluate[bool](`document.readyState === "complete" && document.body.childElementCount > 0 && document.querySelector(` + strconv.Quote(selector) + `) === null`)
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		for {
			var is bool
			if is, err = settled(ctx, target); is {
				return none, nil
			}
			select { // an error may be that the page went meanwhile
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return none, fmt.Errorf("%s is still there: %w", selector, errors.Join(ctx.Err(), err))
			}
		}
	}
}

// still ends what moves or changes its colour on the page, as if time had passed.
func still(t *testing.T, ctx context.Context) {
	t.Helper()
	if left, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.getAnimations().forEach(a => a.finish()), document.getAnimations().length`)); err != nil || left > 0 {
		t.Fatalf("%d go on moving: %v", left, err)
	}
}

// signedInAs gives the real browser the session that one of the test has.
func signedInAs(t *testing.T, ctx context.Context, a *apptest.App, who *apptest.Browser) {
	t.Helper()
	name := web.CookieName(false)
	if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: who.Cookie(name), URL: a.URL}); err != nil {
		t.Fatal(err)
	}
}

// fits fails the test if the page scrolls sideways.
func fits(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	px, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`[document.documentElement.scrollWidth, document.documentElement.clientWidth]`))
	if err != nil {
		t.Fatal(err)
	}
	if px[0] > px[1] {
		t.Errorf("%s is %v px wide on a screen of %v", what, px[0], px[1])
	}
}

// faultless fails the test for each of the page's faults that faultsOfPage finds.
func faultless(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	faults, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](faultsOfPage))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Errorf("%s: %s", what, f)
	}
}
