package email_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"mime/multipart"
	"strings"
	"testing"

	"seaworthy/app/apptest"
)

// brandOf is what the API says of the brand.
type brandOf struct {
	Version             int
	Name, Accent, Logo  string
	Address, Support    string
	Shown               struct{ Name, Website string }
	Website, Changed_at string
}

func picture(t testing.TB, width, height int, encode func(*bytes.Buffer, image.Image) error) string {
	t.Helper()
	m := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.White, color.RGBA{15, 92, 140, 255}})
	for i := range m.Pix {
		m.Pix[i] = uint8(i % 2)
	}
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pngOf(b *bytes.Buffer, m image.Image) error  { return png.Encode(b, m) }
func jpegOf(b *bytes.Buffer, m image.Image) error { return jpeg.Encode(b, m, nil) }
func gifOf(b *bytes.Buffer, m image.Image) error  { return gif.Encode(b, m, nil) }

func TestBrandDressesMails(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:manage", "email:read")
	var b brandOf
	key.Get("/-/api/v1/email/brand").Want(200).JSON(&b)
	if b.Version != 0 || b.Name != "" || b.Shown.Name != "Acme" || b.Shown.Website != a.URL {
		t.Errorf("without a brand the configuration counts: %+v", b)
	}
	a.Forget()
	put := func(body map[string]any) apptest.Page { return send(key, "PUT", "/-/api/v1/email/brand", body) }
	put(map[string]any{"version": 0, "name": "Rockets & Co", "accent": "#FFEE00", "address": "1 Quay\r\nPort", "support": "help@rockets.example", "website": "https://rockets.example"}).Want(200)
	a.Expect(apptest.Happened{Audit: []string{"email.brand_changed"}, Rows: map[string]int{"email_brand": 1}})
	put(map[string]any{"version": 1, "name": "Rockets & Co", "accent": "#ffee00", "address": "1 Quay\nPort", "support": "help@rockets.example", "website": "https://rockets.example"}).Want(200)
	a.ExpectNothing() // what is already so is no change
	put(map[string]any{"version": 0, "name": "Mine"}).WantProblem(409, "stale")
	a.ExpectNothing()

	a.SignUp("ada@example.com")
	a.RunJobs()
	m := a.Mails("ada@example.com")[0]
	if m.Subject != "Verify your address for Rockets & Co" {
		t.Errorf("subject %q", m.Subject)
	}
	for _, want := range []string{"Rockets &amp; Co", "background-color:#ffee00", "color:#1b2430;text-decoration:none", "1 Quay<br>Port", `href="mailto:help@rockets.example"`, `href="https://rockets.example"`} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("the HTML lacks %s", want)
		}
	}
	if !strings.Contains(m.Text, "Rockets & Co\nhttps://rockets.example\nhelp@rockets.example\n1 Quay\nPort\n") {
		t.Errorf("the text lacks the foot:\n%s", m.Text)
	}
}

func TestBrandRefuses(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:manage")
	a.Forget()
	for field, value := range map[string]string{"name": strings.Repeat("x", 81), "accent": "red", "support": "nobody", "website": "javascript:alert(1)", "address": strings.Repeat("x\n", 7) + "x"} {
		send(key, "PUT", "/-/api/v1/email/brand", map[string]any{"version": 0, field: value}).WantProblem(422, "invalid", field)
	}
	send(key, "PUT", "/-/api/v1/email/brand", map[string]any{"version": 0, "logo": "x"}).WantProblem(400, "bad_field", "logo")
	send(a.Key("email:read"), "PUT", "/-/api/v1/email/brand", map[string]any{"version": 0}).WantProblem(403, "forbidden")
	a.Browser().Get("/-/api/v1/email/brand").Want(401)
	if n := a.Count("email_brand"); n != 0 {
		t.Errorf("%d brands", n)
	}
}

// A file sets what the page sets, but for the logo.
func TestBrandFromAFile(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op, key := a.Operator("grace@example.com"), a.Key("email:read")
	a.RunJobs()
	a.Forget()
	file := func(text string) {
		op.Do("POST", "/-/api/v1/apply", "application/yaml", text).Want(200)
	}
	file(`brand: {name: Rockets, accent: "#ffee00", accent_dark: "#aabb00"}`)
	key.Get("/-/api/v1/email/brand").Want(200, `"accent_dark":"#aabb00"`)
	file(`brand: {name: Rockets}`)
	key.Get("/-/api/v1/email/brand").Want(200, `"accent_dark":"#aabb00"`)
	file(`brand: {prune: true, name: Rockets, accent: "#ffee00"}`)
	key.Get("/-/api/v1/email/brand").Want(200, `"accent_dark":""`)
}

func TestLogo(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:*")
	a.Forget()
	version := "0"
	for i, c := range []struct {
		kind, body, suffix string
		tag                string
	}{
		{"image/png", picture(t, 200, 96, pngOf), ".png", `width="100" height="48"`},
		{"image/jpeg", picture(t, 960, 96, jpegOf), ".jpg", `width="240" height="24"`},
		{"image/gif", picture(t, 30, 20, gifOf), ".gif", `width="30" height="20"`},
	} {
		var b brandOf
		key.Do("PUT", "/-/api/v1/email/brand/logo?version="+version, c.kind, c.body).Want(200).JSON(&b)
		version = string(rune('1' + i))
		if !strings.HasPrefix(b.Logo, a.URL+"/-/brand/logo/") || !strings.HasSuffix(b.Logo, c.suffix) {
			t.Errorf("%s is at %q", c.kind, b.Logo)
		}
		got := a.Browser().Get(strings.TrimPrefix(b.Logo, a.URL)).Want(200)
		if got.Body != c.body || got.Header.Get("Content-Type") != c.kind || got.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", c.kind, got.Header)
		}
		a.Browser().Get(strings.TrimPrefix(strings.TrimSuffix(b.Logo, c.suffix), a.URL) + ".svg").Want(404)
		var made struct{ HTML string }
		key.PostJSON("/-/api/v1/email/templates/auth/verify/preview", map[string]any{}).Want(200).JSON(&made)
		if !strings.Contains(made.HTML, `<img src="`+b.Logo+`" alt="Acme" `+c.tag) {
			t.Errorf("the mail does not show it with %s", c.tag)
		}
	}
	a.Expect(apptest.Happened{Audit: []string{"email.brand_changed", "email.brand_changed", "email.brand_changed"}, Rows: map[string]int{"email_brand": 1, "email_logo": 3}})
	key.Do("DELETE", "/-/api/v1/email/brand/logo?version=2", "", "").WantProblem(409, "stale")
	key.Do("DELETE", "/-/api/v1/email/brand/logo?version=3", "", "").Want(200)
	a.Expect(apptest.Happened{Audit: []string{"email.brand_changed"}}) // mails that were sent still show it
}

func TestLogoRefuses(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	key := a.Key("email:manage")
	a.Forget()
	whole := picture(t, 40, 40, pngOf)
	bomb := picture(t, 3000, 10, pngOf)
	for name, c := range map[string]struct{ kind, body string }{
		"empty": {"image/png", ""}, "svg": {"image/png", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`}, "html": {"image/png", "<html><script>alert(1)</script>"},
		"cut": {"image/png", whole[:len(whole)/2]}, "cut at the end": {"image/png", whole[:len(whole)-24]}, "wide": {"image/png", bomb}, "only a head": {"image/gif", "GIF89a"}, "not an image": {"application/octet-stream", "%PDF-1.4"},
		"webp": {"application/octet-stream", "RIFF\x00\x00\x00\x00WEBPVP8 "},
	} {
		p := key.Do("PUT", "/-/api/v1/email/brand/logo?version=0", c.kind, c.body)
		if p.Status != 422 || !strings.Contains(p.Body, `"logo"`) {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	key.Do("PUT", "/-/api/v1/email/brand/logo?version=0", "image/svg+xml", "<svg/>").Want(415)
	key.Do("PUT", "/-/api/v1/email/brand/logo?version=0", "image/png", strings.Repeat("x", 300<<10)).Want(413)
	key.Do("PUT", "/-/api/v1/email/brand/logo", "image/png", whole).WantProblem(422, "invalid", "version")
	a.ExpectNothing()
}

func TestLogoThroughTheForm(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	op := a.Operator("grace@example.com")
	a.RunJobs()
	a.Forget()
	upload := func(version, body string) apptest.Page {
		var form bytes.Buffer
		w := multipart.NewWriter(&form)
		a.Must(w.WriteField("version", version))
		part, err := w.CreateFormFile("logo", "../../evil.png")
		a.Must(err)
		_, err = part.Write([]byte(body))
		a.Must(err)
		a.Must(w.Close())
		return op.Do("POST", "/-/admin/email/brand/logo", w.FormDataContentType(), form.String())
	}
	upload("0", "<svg></svg>").Want(422, "SVG is not shown")
	upload("0", "").Want(422, "Choose an image")
	op.Do("POST", "/-/admin/email/brand/logo", "multipart/form-data; boundary=x", "--x\r\nbroken").Want(400)
	op.Do("POST", "/-/admin/email/brand/logo", "multipart/form-data", "x").Want(415)
	a.ExpectNothing()
	upload("0", picture(t, 100, 50, pngOf)).Want(200, "The logo is saved", "Remove the logo")
	a.Expect(apptest.Happened{Audit: []string{"email.brand_changed"}, Rows: map[string]int{"email_brand": 1, "email_logo": 1}})
	upload("0", picture(t, 90, 50, pngOf)).Want(409, "Somebody changed this")
	a.ExpectNothing()
	op.Get("/-/admin/email/brand").Want(200, "The logo in use")
	op.Post("/-/admin/email/brand/logo/remove", "version", "1").Want(200, "The logo is removed")
	a.Expect(apptest.Happened{Audit: []string{"email.brand_changed"}})
	for _, theme := range []string{"light", "dark"} {
		p := op.Get("/-/admin/email/brand/sample?theme="+theme).Want(200, "Team plan")
		if !strings.Contains(p.Header.Get("Content-Security-Policy"), "sandbox") || strings.Contains(p.Body, "prefers-color-scheme: dark) {") {
			t.Errorf("%s: %v", theme, p.Header)
		}
	}
}
