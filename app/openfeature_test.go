package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"seaworthy/app/apptest"
)

// The stock SDKs of OpenFeature, from the npm registry.
var sdks = []string{"@openfeature/web-sdk@1.10.0", "@openfeature/ofrep-web-provider@0.4.3", "@openfeature/server-sdk", "@openfeature/ofrep-provider", "@openfeature/ofrep-core", "@openfeature/core", "esbuild"}

// installed is a folder with the SDKs and our two small programs. Without npm or its
// registry the test is skipped, aloud; where CI is set it fails.
func installed(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	files, err := filepath.Glob("testdata/openfeature/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(file)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "npm", append([]string{"install", "--silent", "--no-audit", "--no-fund", "--prefix", folder}, sdks...)...).CombinedOutput()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("CI must have npm and reach its registry: %v\n%s", err, out)
		}
		t.Skipf("SKIPPED: the SDKs of OpenFeature cannot be had, so that none was tried: %v", err)
	}
	return folder
}

// TestStockOpenFeatureSDKs has a page and a server with unmodified SDKs ask for a
// flag; the page changes when it is flipped, without being loaded again.
func TestStockOpenFeatureSDKs(t *testing.T) {
	t.Parallel()
	ctx, said := chromium(t, 800, 600)
	folder := installed(t)
	if out, err := exec.CommandContext(t.Context(), filepath.Join(folder, "node_modules/.bin/esbuild"), filepath.Join(folder, "page.js"), "--bundle", "--format=esm", "--outfile="+filepath.Join(folder, "bundle.js")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	a := apptest.New(t, apptest.WithoutLimits)
	editor := a.Key("flags:manage", "flags:read", "flags:kill")
	editor.Do("PUT", "/-/api/v1/flags/greeting", "application/json", `{"definition":{"state":"ENABLED","variants":{"new":"Welcome","old":"Hello"},"defaultVariant":"old",
		"x-seaworthy":{"clientVisible":true,"offVariant":"old"}}}`).Want(201)
	editor.Do("PUT", "/-/api/v1/flags/gold", "application/json", `{"definition":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"==":[{"var":"tier"},"gold"]},"on"]}}}`).Want(201)

	script, err := os.ReadFile(filepath.Join(folder, "bundle.js"))
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bundle.js" {
			w.Header().Set("Content-Type", "text/javascript")
			w.Write(script)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte(`<!doctype html><link rel="icon" href="data:,"><p id="greeting"></p><script type="module" src="/bundle.js"></script>`))
	}))
	defer site.Close()
	secret := func(b *apptest.Browser) string { return strings.TrimPrefix(b.Header.Get("Authorization"), "Bearer ") }
	address := site.URL + "/?" + url.Values{"server": {a.URL + "/-"}, "key": {secret(a.Key("flags:client"))}}.Encode()
	until := func(words string) {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.WaitVisible(`[data-says="`+words+`"]`)); err != nil {
			t.Fatalf("the page never says %s: %v\n%v", words, err, said())
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	until("Hello/STATIC")
	editor.Do("PATCH", "/-/api/v1/flags/greeting", "application/json", `{"default_variant":"new"}`).Want(200)
	until("Welcome/STATIC")
	editor.Do("PUT", "/-/api/v1/flags/kill", "application/json", `{"all":true,"reason":"the test says so"}`).Want(200)
	until("Hello/STATIC")
	editor.Do("PUT", "/-/api/v1/flags/kill", "application/json", `{"all":false,"reason":"the test says so"}`).Want(200)
	until("Welcome/STATIC")

	out, err := exec.CommandContext(t.Context(), "node", filepath.Join(folder, "server.mjs"), a.URL+"/-", secret(a.Key("flags:evaluate"))).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Text, Flag, Missing struct {
			Value                      any
			Reason, Variant, ErrorCode string
		}
	}
	if err := json.Unmarshal(out, &got); err != nil || got.Text.Value != "Welcome" || got.Flag.Value != true || got.Flag.Variant != "on" || got.Missing.Value != true || got.Missing.ErrorCode != "FLAG_NOT_FOUND" {
		t.Errorf("%v: %s", err, out)
	}
	if all := said(); len(all) > 0 {
		t.Errorf("the browser said: %v", all)
	}
}
