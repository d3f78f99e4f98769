package flags_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/flags"
)

const ofrep = "/-/ofrep/v1/evaluate/flags"

// world is an app with three flags: one for everybody's eyes that turns on the
// plan-like attribute org, a rollout, and one for servers only.
type world struct {
	*apptest.App
	editor, server, page *apptest.Browser
}

func newWorld(t *testing.T, opts ...apptest.Option) world {
	a := apptest.New(t, opts...)
	w := world{a, a.Key("flags:manage", "flags:read", "flags:kill"), a.Key("flags:evaluate"), a.Key("flags:client")}
	w.put("banner", `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"ends_with":[{"var":"email"},"@acme.example"]},"on"]},"x-seaworthy":{"clientVisible":true,"offVariant":"off"}}`)
	w.put("admins", `{"state":"ENABLED","variants":{"on":"yes","off":"no"},"defaultVariant":"off","targeting":{"if":[{"in":["owner",{"var":"roles"}]},"on"]},"x-seaworthy":{"clientVisible":true}}`)
	w.put("secret", `{"state":"ENABLED","variants":{"on":1,"off":0},"defaultVariant":"on"}`)
	return w
}

func (w world) put(key, definition string) {
	w.T.Helper()
	p := w.editor.Do("PUT", "/-/api/v1/flags/"+key, "application/json", `{"definition":`+definition+`,"comment":"test"}`)
	if p.Status != 200 && p.Status != 201 {
		w.T.Fatal(p.Status, p.Body)
	}
}

func ask(b *apptest.Browser, key, context string) apptest.Page {
	path := ofrep
	if key != "" {
		path += "/" + key
	}
	return b.Do("POST", path, "application/json", `{"context":`+context+`}`)
}

func TestOFREPSingle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got map[string]any
	ask(w.server, "banner", `{"targetingKey":"x","email":"a@acme.example"}`).Want(200).JSON(&got)
	// Without trust nobody says himself what his address is.
	if got["value"] != false || got["variant"] != "off" || got["reason"] != "DEFAULT" || got["key"] != "banner" {
		t.Errorf("%v", got)
	}
	ask(w.Key("flags:evaluate", "flags:trust"), "banner", `{"email":"a@acme.example"}`).Want(200, `"value":true`, `"reason":"TARGETING_MATCH"`)
	ask(w.server, "secret", `{}`).Want(200, `"value":1`, `"reason":"STATIC"`)
	for key, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"nobody": {`{"context":{}}`, 404, "FLAG_NOT_FOUND"},
		"banner": {`{"context":[]}`, 400, "INVALID_CONTEXT"},
		"secret": {`{"context":{"targetingKey":7}}`, 400, "INVALID_CONTEXT"},
		"admins": {`{`, 400, "PARSE_ERROR"},
	} {
		w.server.Do("POST", ofrep+"/"+key, "application/json", c.body).Want(c.status, `"key":"`+key+`"`, `"errorCode":"`+c.code+`"`)
	}
	deep := strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100)
	ask(w.server, "secret", deep).Want(400, "INVALID_CONTEXT")
	ask(w.server, "secret", `{"a":"`+strings.Repeat("x", 300<<10)+`"}`).Want(413)
	if p := ask(w.Browser(), "secret", `{}`); p.Status != 401 || p.Body != "" {
		t.Errorf("nobody: %d %q", p.Status, p.Body)
	}
	if p := ask(w.Key("audit:read"), "secret", `{}`); p.Status != 403 || p.Body != "" {
		t.Errorf("another key: %d %q", p.Status, p.Body)
	}
}

// Fault 6: what the installation knows of somebody wins over what is sent.
func TestFault6SentAttributesDoNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := w.Verified("ada@acme.example")
	id := w.UserID("ada@acme.example")
	ask(w.server, "admins", `{"targetingKey":"`+id+`"}`).Want(200, `"value":"yes"`) // the owner of her own org, known without being told
	ask(w.server, "admins", `{"targetingKey":"somebody","roles":["owner"]}`).Want(200, `"value":"no"`)
	ask(w.page, "admins", `{"targetingKey":"`+id+`","roles":["owner"]}`).Want(200, `"value":"no"`) // a page learns nothing of whom it names
	ask(ada, "admins", `{"targetingKey":"somebody","roles":[]}`).Want(200, `"value":"yes"`)
	ask(ada, "banner", `{}`).Want(200, `"value":false`) // rules for clients do not turn on the address
}

// Fault 6: when what is known of somebody cannot be read, what is sent stands in for it no more.
func TestFault6NothingKnownIsNotWhatIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Must(w.DB.Close()) // nothing can be read
	sent := flags.With(t.Context(), map[string]any{"targetingKey": "usr_06h074rjw1r0z43qst2s50vq70", "roles": []any{"owner"}, "email": "x@acme.example"})
	if r := w.Flags.Ask(sent, "admins"); r.Variant != "off" || r.ErrorCode != "" {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(w.Logs(), "a flag is evaluated without what is known of the person") {
		t.Error("it could be read")
	}
}

// Fault 15: what is for servers only is not there for pages and people.
func TestFault15PagesSeeWhatIsMeantForThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, b := range []*apptest.Browser{w.page, w.Verified("ada@acme.example")} {
		ask(b, "secret", `{}`).Want(404, "FLAG_NOT_FOUND")
		ask(b, "", `{}`).Want(200, `"banner"`, `"admins"`).Without("secret", "acme.example", "targeting")
	}
	ask(w.server, "", `{}`).Want(200, `"banner"`, `"secret"`)
}

// Fault 12: the ETag is of the answer, so that time-based rules change it, and 304
// is given on POST.
func TestFault12ETag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("later", `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{">=":[{"var":"$flagd.timestamp"},`+
		"1795443900"+`]},"on"]},"x-seaworthy":{"clientVisible":true}}`)
	first := ask(w.page, "", `{}`).Want(200)
	tag := first.Header.Get("ETag")
	w.page.Header = w.page.Header.Clone()
	w.page.Header.Set("If-None-Match", tag)
	if p := ask(w.page, "", `{}`); p.Status != 304 || p.Body != "" || p.Header.Get("ETag") != tag {
		t.Errorf("%d %q", p.Status, p.Body)
	}
	ask(w.page, "", `{"targetingKey":"another"}`).Want(304)
	w.Clock.Advance(time.Unix(1795443900, 0).Sub(w.Clock.Now()))
	if p := ask(w.page, "", `{}`).Want(200, `"later"`); p.Header.Get("ETag") == tag {
		t.Error("the tag is the same though the answer is not")
	}
}

// Fault 13: odd keys are not there, whatever the address looks like.
func TestFault13OddKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, key := range []string{"..%2fx", "a%2fb", "%C3%BC", "x%00", strings.Repeat("k", 500)} {
		if p := ask(w.server, key, `{}`); p.Status != 404 {
			t.Errorf("%s: %d %s", key, p.Status, p.Body)
		}
	}
}

func TestOFREPAcrossOrigins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config.Config, _ *app.Options) {})
	pre := func(origin string) http.Header {
		b := w.Browser()
		b.Header = http.Header{"Origin": {origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization,content-type"}}
		return b.Do("OPTIONS", ofrep, "", "").Want(204).Header
	}
	if h := pre("https://www.acme.example"); h.Get("Access-Control-Allow-Origin") != "https://www.acme.example" || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("%v", h)
	}
	w.page.Header = w.page.Header.Clone()
	w.page.Header.Set("Origin", "https://www.acme.example")
	w.page.Header.Set("Sec-Fetch-Site", "cross-site")
	p := ask(w.page, "", `{}`)
	if p.Status != 200 || p.Header.Get("Access-Control-Allow-Origin") != "https://www.acme.example" || p.Header.Get("Access-Control-Expose-Headers") != "ETag" {
		t.Errorf("%d %v %s", p.Status, p.Header, p.Body)
	}
	// A cookie alone is not taken from another site.
	ada := w.Verified("ada@acme.example")
	ada.Header = http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}
	ask(ada, "", `{}`).Want(403)
	key := w.Browser()
	key.Header = http.Header{"X-Api-Key": {strings.TrimPrefix(w.server.Header.Get("Authorization"), "Bearer ")}}
	ask(key, "secret", `{}`).Want(200)
}

// listen opens a stream of events; next is its next event, with a deadline.
func (w world) listen(url, last string) (next func() (id, data string), stop func()) {
	w.T.Helper()
	ctx, cancel := context.WithCancel(w.T.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.StatusCode != 200 {
		w.T.Fatal(err, res)
	}
	lines := bufio.NewScanner(res.Body)
	return func() (id, data string) {
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "id: "):
				id = line[4:]
			case strings.HasPrefix(line, "data: "):
				data = line[6:]
			case line == "" && id != "":
				return id, data
			}
		}
		return "", ""
	}, func() { cancel(); res.Body.Close() }
}

func (w world) stream() string {
	w.T.Helper()
	var all struct {
		EventStreams []struct{ Type, URL string }
	}
	ask(w.page, "", `{}`).Want(200).JSON(&all)
	if len(all.EventStreams) != 1 || all.EventStreams[0].Type != "sse" {
		w.T.Fatal(all)
	}
	return all.EventStreams[0].URL
}

// Fault 9 and 10: a change is told once to whoever listens, and whoever missed it,
// by a restart or a break, is told when he comes back.
func TestFault9And10EventsTellOfChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.stream()
	next, stop := w.listen(url, "")
	id, data := next()
	if id == "" || data != "" {
		t.Fatalf("the beginning: %q %q", id, data)
	}
	w.editor.Do("PUT", "/-/api/v1/flags/kill", "application/json", `{"all":true,"reason":"the test says so"}`).Want(200)
	second, data := next()
	if second == id || data != `{"type":"refetchEvaluation"}` {
		t.Errorf("after the kill: %q %q", second, data)
	}
	ask(w.page, "banner", `{}`).Want(200, `"value":false`, `"reason":"STATIC"`, `"killed":true`)
	ask(w.page, "admins", `{}`).Want(200, `"reason":"DISABLED"`).Without(`"value"`)
	stop()
	missed, done := w.listen(url, id)
	defer done()
	missed()
	if again, data := missed(); again != second || data == "" {
		t.Errorf("to whoever missed it: %q %q", again, data)
	}
	up, end := w.listen(url, second)
	defer end()
	if now, data := up(); now != second || data != "" {
		t.Errorf("to whoever missed nothing: %q %q", now, data)
	}
}

// Fault 14: a ticket that has ended, or that somebody made up, opens no stream.
func TestFault14Tickets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.stream()
	path, _, _ := strings.Cut(strings.TrimPrefix(url, w.URL), "&") // without what tells since when
	for _, bad := range []string{"/-/ofrep/v1/events", "/-/ofrep/v1/events?token=x", path + "x", path[:len(path)-2] + "AA"} {
		if p := w.Browser().Get(bad); p.Status != 401 || p.Body != "" {
			t.Errorf("%s: %d %q", bad, p.Status, p.Body)
		}
	}
	w.Clock.Advance(9 * time.Hour)
	if p := w.Browser().Get(path); p.Status != 401 {
		t.Errorf("after nine hours: %d", p.Status)
	}
	if w.stream() == url {
		t.Error("the ticket is never a new one")
	}
	if strings.Contains(w.Logs(), "token=") {
		t.Error("a ticket is in the log")
	}
}

// No bulk answer mixes two states of the kill switch, however many ask meanwhile.
func TestFault9NoAnswerMixes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apptest.WithoutLimits)
	for i := range 8 {
		w.put("f"+string(rune('a'+i)), `{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","x-seaworthy":{"offVariant":"off"}}`)
	}
	var all sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		server := w.Bearer(strings.TrimPrefix(w.server.Header.Get("Authorization"), "Bearer "))
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				var got struct {
					Flags []struct {
						Key   string
						Value any
					}
				}
				ask(server, "", `{}`).JSON(&got)
				var first any
				for _, f := range got.Flags {
					if len(f.Key) != 2 {
						continue
					}
					if first == nil {
						first = f.Value
					}
					if f.Value != first {
						t.Errorf("%v", got)
						return
					}
				}
			}
		})
	}
	for i := range 20 {
		w.editor.Do("PUT", "/-/api/v1/flags/kill", "application/json", `{"all":`+[]string{"true", "false"}[i%2]+`,"reason":"the test says so"}`).Want(200)
	}
	close(done)
	all.Wait()
}
