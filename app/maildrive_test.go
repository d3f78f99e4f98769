package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"strconv"
	"testing"

	"seaworthy/app/apptest"
)

// driveMailTemplates does once what each route of the brand and of mail templates is for.
func driveMailTemplates(t *testing.T, a *apptest.App) map[string]func() {
	const api, page, brand = "/-/api/v1/email/templates", "/-/admin/email/templates", "/-/api/v1/email/brand"
	words := func(n int) string {
		return fmt.Sprintf("subject: s\npreheader: x\nclass: security\nttl: 24h\n---\n# Words %d\n\n[[Go]]({{.URL}})\n", n)
	}
	n := 0
	version := func(name string) int {
		var is struct{ Version int }
		a.Key("email:read").Get(api + "/" + name).Want(200).JSON(&is)
		return is.Version
	}
	put := func(method, path string, body map[string]any) {
		raw, err := json.Marshal(body)
		a.Must(err)
		p := a.Key("email:manage", "email:read").Do(method, path, "application/json", string(raw))
		if p.Status >= 300 {
			t.Errorf("%s %s: %d %s", method, path, p.Status, p.Body)
		}
	}
	body := func(name string) map[string]any {
		n++
		return map[string]any{"version": version(name), "source": words(n), "sample": map[string]string{"URL": "https://x.example", "Name": "Ada"},
			"variables": []map[string]any{{"name": "URL", "type": "url", "required": true}}}
	}
	form := func(name string) []string {
		n++
		return []string{"version", strconv.Itoa(version(name)), "source", words(n), "variables", "URL: url", "sample", `{"URL": "https://x.example", "Name": "Ada"}`}
	}
	fresh := func() string {
		n++
		name := fmt.Sprintf("made-%d", n)
		put("POST", api, map[string]any{"name": name, "source": words(n), "sample": map[string]string{"URL": "https://x.example"},
			"variables": []map[string]any{{"name": "URL", "type": "url", "required": true}}})
		return name
	}
	ours := func() string { put("PUT", api+"/auth/verify", body("auth/verify")); return "auth/verify" }
	archived := func(name string) string { put("DELETE", api+"/"+name, nil); return name }
	picture := func() string {
		n++
		var b bytes.Buffer
		a.Must(png.Encode(&b, image.NewGray(image.Rect(0, 0, n+1, 9))))
		return b.String()
	}
	brandVersion := func() string {
		var is struct{ Version int }
		a.Key("email:read").Get(brand).Want(200).JSON(&is)
		return strconv.Itoa(is.Version)
	}
	logo := func() {
		a.Key("email:manage").Do("PUT", brand+"/logo?version="+brandVersion(), "image/png", picture()).Want(200)
	}
	drive := map[string]func(){
		"PUT " + brand: func() {
			n++
			is, err := strconv.Atoi(brandVersion())
			a.Must(err)
			put("PUT", brand, map[string]any{"version": is, "name": fmt.Sprint("Acme ", n)})
		},
		"PUT " + brand + "/logo": logo,
		"DELETE " + brand + "/logo": func() {
			logo()
			a.Key("email:manage").Do("DELETE", brand+"/logo?version="+brandVersion(), "", "").Want(200)
		},
		"POST /-/admin/email/brand": func() {
			n++
			operator(a).Post("/-/admin/email/brand", "version", brandVersion(), "name", fmt.Sprint("Acme ", n)).Want(200)
		},
		"POST /-/admin/email/brand/logo": func() {
			var f bytes.Buffer
			w := multipart.NewWriter(&f)
			a.Must(w.WriteField("version", brandVersion()))
			part, err := w.CreateFormFile("logo", "logo.png")
			a.Must(err)
			_, err = part.Write([]byte(picture()))
			a.Must(err)
			a.Must(w.Close())
			operator(a).Do("POST", "/-/admin/email/brand/logo", w.FormDataContentType(), f.String()).Want(200)
		},
		"POST /-/admin/email/brand/logo/remove": func() {
			logo()
			operator(a).Post("/-/admin/email/brand/logo/remove", "version", brandVersion()).Want(200)
		},
		"POST " + api: func() { fresh() },
		"POST /-/admin/email/new-template": func() {
			n++
			operator(a).Post("/-/admin/email/new-template", "name", fmt.Sprint("page-", n), "version", "0", "source", words(n), "variables", "URL: url", "sample", `{"URL": "https://x.example"}`).Want(200)
		},
	}
	for one, make := range map[string]func() string{"/{name}": fresh, "/{system}/{name}": ours} {
		drive["PUT "+api+one] = func() { name := make(); put("PUT", api+"/"+name, body(name)) }
		drive["DELETE "+api+one] = func() { archived(make()) }
		drive["POST "+api+one+"/unarchive"] = func() { put("POST", api+"/"+archived(make())+"/unarchive", map[string]any{}) }
		drive["POST "+api+one+"/restore"] = func() {
			name := make()
			put("POST", api+"/"+name+"/restore", map[string]any{"version": version(name), "earlier": 1})
		}
		drive["POST "+api+one+"/test"] = func() {
			name := make()
			a.Bearer(a.SignInProgram("op@example.com").Access).PostJSON(api+"/"+name+"/test", map[string]any{}).Want(202)
		}
		drive["POST "+page+one] = func() { name := make(); operator(a).Post(page+"/"+name, form(name)...).Want(200) }
		drive["POST "+page+one+"/test"] = func() { operator(a).Post(page + "/" + make() + "/test").Want(200) }
		drive["POST "+page+one+"/archive"] = func() { operator(a).Post(page + "/" + make() + "/archive").Want(200) }
		drive["POST "+page+one+"/unarchive"] = func() { operator(a).Post(page + "/" + archived(make()) + "/unarchive").Want(200) }
		drive["POST "+page+one+"/restore"] = func() {
			name := make()
			operator(a).Post(page+"/"+name+"/restore", "version", strconv.Itoa(version(name)), "earlier", "1").Want(200)
		}
	}
	return drive
}
