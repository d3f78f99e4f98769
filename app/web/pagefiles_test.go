package web

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func pagesOf(t *testing.T, files map[string]string) *Pages {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree["pages/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	static, err := NewStatic(tree)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPages(tree, static, Site{Brand: "Acme"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAPageIsParsedWhenItIsShown, and a fault in another does not keep it from being shown.
func TestAPageIsParsedWhenItIsShown(t *testing.T) {
	t.Parallel()
	p := pagesOf(t, map[string]string{
		"frame.html": `{{define "frame"}}<h1>{{template "content" .}}</h1>{{end}}`, "web/error.html": `{{template "frame" .}}{{define "content"}}{{.Title}}{{end}}`,
		"shop/cart.html": `{{template "frame" .}}{{define "content"}}{{.Title}} of {{.Site.Brand}}{{end}}`,
		"shop/odd.html":  `{{template "nothing" .}}`, "shop/open.html": `{{if .Title}}`,
	})
	show := func(name string) (string, error) {
		w := httptest.NewRecorder()
		err := p.Render(w, httptest.NewRequest("GET", "/", nil), name, View{Title: "Cart"})
		return w.Body.String(), err
	}
	for range 2 {
		for name, want := range map[string]string{"shop/cart": "<h1>Cart of Acme</h1>", "error": "<h1>Cart</h1>"} {
			if got, err := show(name); got != want || err != nil {
				t.Errorf("%s is %q, %v", name, got, err)
			}
		}
		for name, want := range map[string]string{"shop/odd": `page shop/odd: there is no template "nothing"`, "shop/open": "page shop/open: ", "shop/none": `there is no page "shop/none"`} {
			if got, err := show(name); err == nil || !strings.Contains(err.Error(), want) || got != "" {
				t.Errorf("%s is %q, %v", name, got, err)
			}
		}
	}
}

// TestCheckFindsAPageThatCannotBeParsed before anybody opens it.
func TestCheckFindsAPageThatCannotBeParsed(t *testing.T) {
	t.Parallel()
	good := map[string]string{"frame.html": `{{define "frame"}}{{end}}`, "shop/cart.html": `{{template "frame" .}}`, "shops/odd.html": `{{template "nothing" .}}`}
	p := pagesOf(t, good)
	if err := p.Check("shop"); err != nil {
		t.Errorf("the shop's pages: %v", err)
	}
	for _, which := range []string{"", "shops"} {
		if err := p.Check(which); err == nil || !strings.Contains(err.Error(), "page shops/odd") {
			t.Errorf("%q: %v", which, err)
		}
	}
	good["frame.html"] = `{{define "frame"}}{{end`
	if err := pagesOf(t, good).Check("shop"); err == nil || !strings.Contains(err.Error(), "layouts") {
		t.Errorf("layouts that cannot be parsed: %v", err)
	}
}
