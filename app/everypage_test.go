package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// TestEveryPageCanBeParsed: they are read when they are first shown, so a start does not
// tell.
func TestEveryPageCanBeParsed(t *testing.T) {
	t.Parallel()
	if err := apptest.New(t).Pages.Check(""); err != nil {
		t.Error(err)
	}
}

// TestEveryPage opens each page there is, on the data of the demonstration, in Chromium:
// axe-core finds nothing in either theme, nothing scrolls sideways at 360 px, and the
// browser has nothing to say, of the content security policy neither. A page that no link
// leads to, or that the demonstration has nothing for, is in the list elsewhere with the
// reason.
//
// It takes axe-core's script, whose path is in SEAWORTHY_AXE: npm install axe-core.
func TestEveryPage(t *testing.T) {
	script := os.Getenv("SEAWORTHY_AXE")
	if script == "" {
		t.Skip("SKIPPED: SEAWORTHY_AXE does not name axe-core's script, so no page was held to it (npm install axe-core; .ci/run has it)")
	}
	axe, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	a := demonstration(t)
	w := newWalk(a)
	for _, v := range scene(a) {
		w.follow(v)
	}
	for pattern, why := range elsewhere {
		if w.seen[pattern] {
			t.Errorf("%s is said to be reached by no walk (%s), and was", pattern, why)
		}
	}
	for _, pattern := range w.patterns() {
		if !w.seen[pattern] && elsewhere[pattern] == "" {
			t.Errorf("no walk comes to %s", pattern)
		}
	}
	ctx, said := chromiumFor(t, 1280, 900, 8*time.Minute)
	e := examiner{t: t, ctx: ctx, url: a.URL, axe: string(axe), said: said}
	begun := time.Now()
	for _, p := range w.pages {
		e.examine(p)
	}
	t.Logf("%d pages in %s", len(w.pages), time.Since(begun).Round(time.Second))
}

// examiner holds pages to the rules.
type examiner struct {
	t     *testing.T
	ctx   context.Context
	url   string
	axe   string
	said  func() []string
	heard int
	who   *walker
}

// be has the browser be somebody, or nobody.
func (e *examiner) be(p page) {
	if e.who == p.who {
		return
	}
	e.who = p.who
	if err := chromedp.Do(e.ctx, chromedp.Navigate("about:blank")); err != nil {
		e.t.Fatal(err)
	}
	if _, err := chromedp.Call(e.ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		e.t.Fatal(err)
	}
	for _, c := range p.who.Cookies() {
		if _, err := chromedp.Call(e.ctx, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: e.url}); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *examiner) examine(p page) {
	e.t.Helper()
	e.be(p)
	if err := chromedp.Do(e.ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(e.url+p.path)); err != nil {
		e.t.Fatalf("%s: %v", p.path, err)
	}
	name := "page" + strings.NewReplacer("/-/", "-", "/", "-", "{", "", "}", "", "$", "home").Replace(p.pattern)
	e.run(p, e.axe+"; 0")
	for _, theme := range []string{"light", "dark"} {
		e.run(p, `document.documentElement.dataset.theme = "`+theme+`"; document.body.offsetTop; document.getAnimations().forEach((a) => a.finish()); 0`)
		keep(e.t, e.ctx, fmt.Sprintf("%s-1280-%s", name, theme))
		for _, v := range e.violations(p) {
			e.t.Errorf("%s, %s: %s", p.path, theme, v)
		}
	}
	if err := chromedp.Do(e.ctx, chromedp.EmulateViewport(360, 780)); err != nil {
		e.t.Fatal(err)
	}
	beyond := e.beyond(p)
	for range 50 { // charts are drawn anew when they have noticed
		if beyond <= 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
		beyond = e.beyond(p)
	}
	if beyond > 0 {
		wide, err := chromedp.Run(e.ctx, chromedp.Evaluate[string](widest))
		e.t.Errorf("%s scrolls sideways by %v px at 360, for %s (%v)", p.path, beyond, wide, err)
	}
	keep(e.t, e.ctx, name+"-360-dark")
	all := e.said()
	for _, s := range all[e.heard:] {
		if strings.Contains(s, "the server responded with a status of 4") && strings.Contains(s, p.path) {
			continue // the page itself, which is one of an error
		}
		e.t.Errorf("%s: the browser complains: %s", p.path, s)
	}
	e.heard = len(all)
}

// beyond is by how many px the page is wider than the screen.
func (e *examiner) beyond(p page) float64 {
	return e.run(p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}

// widest is the innermost element that reaches beyond the screen.
const widest = `[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility()).map((e) => e.outerHTML.slice(0, 160)).at(-1) ?? ""`

// run evaluates a script that comes to a number.
func (e *examiner) run(p page, script string) float64 {
	e.t.Helper()
	n, err := chromedp.Run(e.ctx, chromedp.Evaluate[float64](script))
	if err != nil {
		e.t.Fatalf("%s: %v", p.path, err)
	}
	return n
}

// violations are axe-core's, a line each.
func (e *examiner) violations(p page) []string {
	e.t.Helper()
	const ask = `axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " (" + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? "") + ")").join(" | "))))`
	text, err := chromedp.Run(e.ctx, chromedp.Evaluate[string](ask, chromedp.EvalAwaitPromise))
	if err != nil {
		e.t.Fatalf("%s: axe-core: %v", p.path, err)
	}
	var all []string
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		e.t.Fatal(err)
	}
	return all
}
