package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// typist has no mouse.
type typist struct {
	t   *testing.T
	ctx context.Context
}

// open goes to an address, as by the address bar.
func (k typist) open(address string) {
	k.t.Helper()
	if err := chromedp.Do(k.ctx, chromedp.Navigate(address)); err != nil {
		k.t.Fatalf("%s: %v", address, err)
	}
}

// keys presses them, one after another.
func (k typist) keys(keys string) {
	k.t.Helper()
	if err := chromedp.Do(k.ctx, chromedp.KeyEvent(keys)); err != nil {
		k.t.Fatalf("type %q: %v", keys, err)
	}
}

// focus tells of the element that has the focus: whether the selector is its, whether
// it can be seen to have it, and what it is.
const focus = `((selector) => { const e = document.activeElement, s = getComputedStyle(e)
	const ring = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1 || s.boxShadow !== "none"
	return (e.matches(selector) ? "here " : "elsewhere ") + (ring && e.checkVisibility() ? "seen " : "unseen ") + e.outerHTML.slice(0, 140) })`

// focused waits for the focus to be seen, which takes as long as a transition does.
func (k typist) focused(selector string) (at string) {
	k.t.Helper()
	for range 20 {
		var err error
		if at, err = chromedp.Run(k.ctx, chromedp.Evaluate[string](focus+"(`"+selector+"`)")); err != nil {
			k.t.Fatal(err)
		}
		if !strings.Contains(at, " unseen ") || strings.Contains(at, "<body") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return at
}

// tab goes on with the tab key until something that the selector fits has the focus.
// Each thing on the way must show that it has it, but for the page itself, where the way
// past the navigation ends.
func (k typist) tab(selector string) {
	k.t.Helper()
	for range 120 {
		at := k.focused(selector)
		if strings.HasPrefix(at, "here seen") {
			return
		}
		if strings.Contains(at, " unseen ") && !strings.Contains(at, "<body") && !strings.Contains(at, "<main") {
			k.t.Errorf("the focus is not seen: %s", at)
		}
		k.keys("\t")
	}
	text, _ := chromedp.Run(k.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	k.t.Fatalf("the tab key does not come to %s\n%s", selector, text)
}

// reads waits until the page, once it is whole, says so.
func (k typist) reads(words string) {
	k.t.Helper()
	var text string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		var err error
		text, err = chromedp.Run(k.ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? document.body.innerText : ""`))
		if err == nil && strings.Contains(text, words) {
			return
		}
	}
	k.t.Fatalf("the page does not say %q\n%s", words, text)
}

// With the keyboard alone an operator signs in with two steps, goes past the navigation,
// makes a feature flag, after a first try that is refused, and kills it.
func TestKeyboardAloneInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	seed, _ := a.SetUpTOTP(a.Operator("grace@example.com"))
	ctx, said := chromium(t, 1280, 900)
	k := typist{t, ctx}
	// Without a screen no window has the focus, and so nothing in it shows that it has.
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}

	k.open(a.URL + "/-/login")
	k.tab("input[name=email]")
	k.keys("grace@example.com")
	k.tab("input[name=password]")
	k.keys(apptest.Password + "\r")
	k.reads("Second step")
	k.tab("input[name=code]")
	k.keys(a.TOTP(seed) + "\r")
	k.reads("Signed in as grace@example.com")

	k.open(a.URL + "/-/admin/flags")
	k.keys("\t")
	if at := k.focused(".skip"); !strings.HasPrefix(at, "here seen") {
		t.Errorf("the first stop is not the way past the navigation: %s", at)
	}
	k.keys("\r")
	k.tab(`main a[href="/-/admin/flags/-/new"]`)
	k.keys("\r")
	k.reads("Make the flag")
	k.tab("input[name=key]")
	k.keys("two words")
	k.tab("button[type=submit].button-primary")
	k.keys("\r")
	k.reads("another look")
	if at := k.focused(".faults, .faults *, [role=alert], [aria-invalid=true]"); !strings.HasPrefix(at, "here") {
		t.Errorf("the focus is not where the fault is told: %s", at)
	}
	k.tab("input[name=key]")
	k.keys(strings.Repeat("\b", len("two words")) + "new-harbour")
	k.tab("input[name=off_variant]")
	k.keys("off")
	k.tab("button[type=submit].button-primary")
	k.keys("\r")
	k.reads("new-harbour")
	for _, s := range said() {
		if !strings.Contains(s, "status of 422") { // the key of two words
			t.Errorf("the browser complains: %s", s)
		}
	}
	if got := a.Query(`SELECT key FROM flags_flag`); got != "new-harbour" {
		t.Errorf("the flag is %q", got)
	}
}
