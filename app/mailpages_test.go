package app_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// An operator dresses mails and writes a template, wide and narrow, light and dark.
func TestMailTemplatesInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	op.Post("/-/admin/email/brand", "version", "0", "name", "Acme Rockets", "accent", "#a8325e", "address", "Acme Ltd\n1 Harbour Road\nPort", "support", "help@acme.example").Want(200)
	ctx, said := chromium(t, 1280, 900)
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			where, _ := chromedp.Run(ctx, chromedp.Location())
			text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
			t.Fatalf("%v at %s\n%s", err, where, text)
		}
	}
	until := func(expression string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](expression)); err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
	}
	signedInAs(t, ctx, a, op)

	// What is typed is shown a moment later, without a page of its own.
	run(chromedp.Navigate(a.URL+"/-/admin/email/new-template"), chromedp.WaitVisible("#preview iframe"))
	typed := func(words string) {
		t.Helper()
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`(() => { const s = document.querySelector("#f-source"); s.value += "\n`+words+`\n";
			return s.dispatchEvent(new Event("input", {bubbles: true})) })()`))
		a.Must(err)
	}
	typed("warn: Written just now, {{.Name}}.")
	until(`document.querySelector("#preview pre")?.textContent.includes("Please note: Written just now, Ada.")`)
	run(chromedp.Click(`input[name=theme][value=dark]`), chromedp.WaitVisible("#preview iframe.look-dark"))
	typed("{{.Nobody}}")
	until(`document.querySelector("#preview").textContent.includes("Nobody is used and not declared")`)
	keep(t, ctx, "mail-new-fault")
	op.Post("/-/admin/email/new-template", "name", "welcome", "version", "0", "source", "subject: Hello {{.Name}}\npreheader: x\nclass: product\n---\n# Hello {{.Name}}\n\nWelcome.\n",
		"variables", "Name: text", "sample", `{"Name": "Ada"}`).Want(200, "is made and in use")
	op.Post("/-/admin/email/templates/welcome", "version", "1", "source", "subject: Hello {{.Name}}\npreheader: x\nclass: product\n---\n# Hello {{.Name}}\n\nWelcome aboard.\n\n> Yours\n",
		"variables", "Name: text", "sample", `{"Name": "Ada"}`).Want(200, "new version is in use")

	for _, width := range []int{1280, 360} {
		run(chromedp.EmulateViewport(int64(width), 900))
		for _, path := range []string{"/templates", "/templates/welcome", "/templates/billing/receipt", "/templates/welcome/history", "/new-template", "/brand"} {
			for _, theme := range []string{"light", "dark"} {
				run(chromedp.Navigate(a.URL + "/-/admin/email" + path))
				_, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.documentElement.dataset.theme = "`+theme+`"`))
				a.Must(err)
				fits(t, ctx, path)
				keep(t, ctx, fmt.Sprintf("mail%s-%s-%d", strings.ReplaceAll(path, "/", "-"), theme, width))
			}
		}
	}
	for _, s := range said() {
		t.Errorf("the browser complains: %s", s)
	}
}

// Five mails as programs show them: at 320 px nothing has to be scrolled aside, and
// where the program is dark the mail's ground is.
func TestMailsInChromium(t *testing.T) {
	a := apptest.New(t, apptest.WithoutLimits)
	key := a.Key("email:*")
	ctx, _ := chromium(t, 640, 900)
	folder := t.TempDir()
	for _, name := range []string{"auth/verify", "auth/sign_in", "billing/receipt", "billing/payment_failed_3", "observe/digest"} {
		var made struct{ HTML string }
		key.PostJSON("/-/api/v1/email/templates/"+name+"/preview", map[string]any{}).Want(200).JSON(&made)
		file := filepath.Join(folder, strings.ReplaceAll(name, "/", "-")+".html")
		a.Must(os.WriteFile(file, []byte(made.HTML), 0o600))
		corner := map[string]color.Color{}
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{640, 320} {
				a.Must(chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)))
				_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
				a.Must(err)
				a.Must(chromedp.Do(ctx, chromedp.Navigate("file://"+file)))
				fits(t, ctx, name)
				shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
				a.Must(err)
				corner[theme] = pixel(t, shot)
				keep(t, ctx, fmt.Sprintf("mailshot-%s-%s-%d", strings.ReplaceAll(name, "/", "-"), theme, width))
			}
		}
		if want := (color.RGBA{0xf3, 0xf5, 0xf8, 0xff}); !same(corner["light"], want) {
			t.Errorf("%s: the light ground is %v", name, corner["light"])
		}
		if want := (color.RGBA{0x14, 0x18, 0x1d, 0xff}); !same(corner["dark"], want) {
			t.Errorf("%s: the dark ground is %v", name, corner["dark"])
		}
	}
}

// pixel is the colour of the upper left corner.
func pixel(t *testing.T, shot []byte) color.Color {
	t.Helper()
	var picture image.Image
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	return picture.At(2, 2)
}

func same(a, b color.Color) bool {
	r, g, bl, _ := a.RGBA()
	r2, g2, bl2, _ := b.RGBA()
	return r == r2 && g == g2 && bl == bl2
}
