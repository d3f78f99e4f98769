package email_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"seaworthy/app/apptest"
)

var styleLink = regexp.MustCompile(`<link rel="stylesheet" href="(/-/brand/style/[^"]+)">`)

// styleOf is the address of the brand's sheet on a page; "" for none.
func styleOf(p apptest.Page) string {
	m := styleLink.FindStringSubmatch(p.Body)
	if m == nil {
		return ""
	}
	return m[1]
}

func TestBrandDressesPagesForCustomers(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	slug := a.Query(`SELECT slug FROM auth_org`)
	unsubscribe := a.Link("grace@example.com", "/-/verify")
	stranger := a.Browser()
	pages := map[string]*apptest.Browser{"/-/login": stranger, "/-/signup": stranger, "/-/forgot": stranger, "/-/nowhere": stranger, unsubscribe: stranger, "/": stranger,
		"/-/account": op, "/-/account/security": op, "/-/account/notifications": op, "/-/org/" + slug + "/members": op, "/-/org/" + slug + "/billing": op, "/-/org/" + slug + "/audit": op}
	for path, who := range pages {
		if got := styleOf(who.Get(path)); got != "" {
			t.Errorf("%s wears %s before there is a brand", path, got)
		}
	}
	key := a.Key("email:*")
	a.Forget()
	send(key, "PUT", "/-/api/v1/email/brand", map[string]any{"version": 0, "name": "Rockets & Co", "accent": "#FFEE00", "accent_dark": "#aabb00"}).Want(200, `"style"`)
	a.Expect(apptest.Happened{Audit: []string{"email.brand_changed"}, Rows: map[string]int{"email_brand": 1}})
	style := ""
	for path, who := range pages {
		p := who.Get(path)
		if style = styleOf(p); style == "" || !strings.Contains(p.Body, "Rockets &amp; Co") || strings.Contains(p.Body, "Acme</") {
			t.Errorf("%s does not wear the brand: %s", path, style)
		}
		if strings.Contains(p.Body, "Seaworthy") {
			t.Errorf("%s names us", path)
		}
		if strings.Contains(p.Body, " style=") || strings.Contains(p.Body, "<style") {
			t.Errorf("%s has a style that the policy forbids", path)
		}
	}
	css := stranger.Get(style).Want(200, "--accent: light-dark(#ffee00, #aabb00);", "--on-accent: light-dark(#1b2430, #1b2430);")
	if h := css.Header; h.Get("Content-Type") != "text/css; charset=utf-8" || h.Get("Cache-Control") != "public, max-age=31536000, immutable" || h.Get("Set-Cookie") != "" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", h)
	}
	stranger.Get(strings.Replace(style, "ffee00", "ffee01", 1)).Want(404)
	stranger.Get("/-/brand/style/x.css").Want(404)
	for _, path := range []string{"/-/admin", "/-/admin/email/brand"} {
		if p := op.Get(path).Want(200, "Rockets &amp; Co"); styleOf(p) != "" {
			t.Errorf("the console at %s wears the brand", path)
		}
	}
	send(key, "PUT", "/-/api/v1/email/brand", map[string]any{"version": 1, "accent": "#0f5c8c"}).Want(200)
	if now := styleOf(stranger.Get("/-/login")); now == style || now == "" {
		t.Errorf("another colour has the address %s", now)
	}
	stranger.Get(style).Want(200) // a page from before finds its own
	send(key, "PUT", "/-/api/v1/email/brand", map[string]any{"version": 2, "accent_dark": "#0f5c8c"}).WantProblem(422, "invalid", "accent_dark")
	send(key, "PUT", "/-/api/v1/email/brand", map[string]any{"version": 2, "accent": "#0f5c8c", "accent_dark": "blue"}).WantProblem(422, "invalid", "accent_dark")
}

func TestLogoOnPages(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key, stranger := a.Key("email:*"), a.Browser()
	logo := func(version, kind, body string) brandOf {
		var b brandOf
		key.Do("PUT", "/-/api/v1/email/brand/logo?version="+version, kind, body).Want(200).JSON(&b)
		return b
	}
	wide := logo("0", "image/png", picture(t, 300, 60, pngOf))
	p := stranger.Get("/-/login").Want(200, `<img class="brand-logo" src="`+strings.TrimPrefix(wide.Logo, a.URL)+`" alt="Acme" width="160" height="32">`)
	if styleOf(p) == "" || strings.Contains(p.Body, "#mark") || !strings.Contains(p.Body, "favicon.svg") {
		t.Error("a wide logo takes the place of the mark and the name, and is no icon")
	}
	square := logo("1", "image/png", picture(t, 96, 96, pngOf))
	stranger.Get("/-/login").Want(200, `alt="" width="32" height="32"><span>Acme</span>`, `<link rel="icon" href="`+strings.TrimPrefix(square.Logo, a.URL)+`">`)
	webp := logo("2", "image/webp", webpOf(400, 100))
	stranger.Get("/-/login").Want(200, strings.TrimPrefix(webp.Logo, a.URL)+`" alt="Acme" width="128" height="32">`)
	if got := stranger.Get(strings.TrimPrefix(webp.Logo, a.URL)).Want(200); got.Header.Get("Content-Type") != "image/webp" || !strings.Contains(got.Header.Get("Content-Security-Policy"), "sandbox") || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", got.Header)
	}
	var made struct{ HTML string }
	key.PostJSON("/-/api/v1/email/templates/auth/verify/preview", map[string]any{}).Want(200).JSON(&made)
	if strings.Contains(made.HTML, "<img") {
		t.Error("a mail shows WebP, which Outlook does not")
	}
}

// webpOf is a lossless image of one colour, as far as anything but a decoder looks.
func webpOf(width, height uint32) string {
	chunk := append([]byte{0x2f}, binary.LittleEndian.AppendUint32(nil, (width-1)|(height-1)<<14)...)
	chunk = append(chunk, 0, 0, 0) // some pixels
	body := append([]byte("WEBPVP8L"), binary.LittleEndian.AppendUint32(nil, uint32(len(chunk)))...)
	body = append(body, chunk...)
	return "RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + string(body)
}

func TestBrandIsTriedBeforeItIsSaved(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	a.Forget()
	query := url.Values{"version": {"0"}, "name": {"Rockets & Co"}, "accent": {"#ffee00"}, "accent_dark": {""}, "website": {""}, "support": {""}, "address": {"1 Quay"}}.Encode()
	p := op.Get("/-/admin/email/brand?"+query).Want(200, "Nothing is saved yet", `value="Rockets &amp; Co"`, "#ffee00</code>, contrast", "1 Quay</textarea>")
	frames := regexp.MustCompile(`<iframe[^>]* src="([^"]+)"`).FindAllStringSubmatch(p.Body, -1)
	if len(frames) != 3 {
		t.Fatalf("%d frames", len(frames))
	}
	for i, theme := range []string{"light", "dark"} {
		look := op.Get(strings.ReplaceAll(frames[i][1], "&amp;", "&")).Want(200, `data-theme="`+theme+`"`, "Sign in to Rockets &amp; Co")
		if style := styleOf(look); !strings.Contains(style, "-ffee00-0.css") {
			t.Errorf("%s wears %s", theme, style)
		}
		if policy := look.Header.Get("Content-Security-Policy"); strings.Contains(policy, "script-src") || !strings.Contains(policy, "frame-ancestors 'self'") || look.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
			t.Errorf("headers %v", look.Header)
		}
	}
	op.Get(strings.ReplaceAll(frames[2][1], "&amp;", "&")).Want(200, "background-color:#ffee00", "1 Quay")
	a.ExpectNothing()
	op.Get("/-/admin/email/brand?accent=red").Want(422, "A colour such as #0f5c8c.")
	op.Get("/-/admin/email/brand/look?accent=red&theme=x").Want(200, "Sign in to Acme", `data-theme="light"`)
	if s := styleOf(a.Browser().Get("/-/login")); s != "" {
		t.Errorf("trying it changed pages: %s", s)
	}
	a.Browser().Get("/-/admin/email/brand/look").Want(200, "Sign in") // is led to sign in
	op.Post("/-/admin/email/brand", "version", "0", "name", "Rockets", "website", "", "accent", "#123456", "accent_dark", "#abcdef", "support", "", "address", "").Want(200, "The brand is saved", `value="#abcdef"`)
	a.Expect(apptest.Happened{Audit: []string{"email.brand_changed"}, Rows: map[string]int{"email_brand": 1}})
}

func TestWebPRefuses(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:manage")
	a.Forget()
	whole := webpOf(40, 40)
	var b bytes.Buffer
	a.Must(pngOf(&b, image.NewGray(image.Rect(0, 0, 8, 8))))
	for name, body := range map[string]string{"cut": whole[:len(whole)-1], "longer than it says": whole + "<script>", "wide": webpOf(4000, 10), "no pixels": whole[:12], "other signature": strings.Replace(whole, "\x2f", "\x2e", 1),
		"svg behind": "RIFF\x10\x00\x00\x00WEBPVP8 <svg onload=1>"} {
		p := key.Do("PUT", "/-/api/v1/email/brand/logo?version=0", "image/webp", body)
		if p.Status != 422 || !strings.Contains(p.Body, `"logo"`) {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	a.ExpectNothing()
}
