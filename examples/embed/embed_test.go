package main

import (
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/web"
	"seaworthy/store"
)

// with is the guest book over some files.
func with(files fs.FS) apptest.Option {
	return func(_ *config.Config, o *app.Options) {
		o.Own, o.Extend = app.Own{Name: "guestbook", Files: files}, extend
	}
}

func TestGuestBook(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, apptest.WithoutLimits, with(files()))
	ada, stranger := a.Verified("ada@example.com"), a.Browser()
	stranger.Get("/guestbook").Want(200, "Nobody has written yet", "Sign in to write", "css/app", "css/guestbook.css")
	stranger.Post("/guestbook", "text", "x").Without("Your words")
	a.Forget()
	ada.Post("/guestbook", "text", "").Want(422, "Fill this in")
	ada.Post("/guestbook", "text", strings.Repeat("x", 501)).Want(422, "At most 500")
	a.ExpectNothing()

	// Row, event and job are one; the mail follows.
	ada.Post("/guestbook", "text", "A <fine> place").Want(200, "A &lt;fine&gt; place", "Ada Lovelace").Without("Hide")
	a.Expect(apptest.Happened{Audit: []string{actWritten}, Jobs: []string{"guestbook.thank"}, Rows: map[string]int{"guestbook_entry": 1}})
	a.RunJobs()
	a.Expect(apptest.Happened{Audit: []string{"email.sent"}, Jobs: []string{"email.deliver"}, Ran: []string{"guestbook.thank completed", "email.deliver completed"},
		Mails: []string{"ada@example.com: Thank you for your words"}})

	// Only who has the permission hides.
	id := a.Query(`SELECT id FROM guestbook_entry`)
	ada.Post("/guestbook/" + id + "/hide").Want(403)
	a.ExpectNothing()
	a.Grant("ada@example.com", moderate)
	ada.Get("/guestbook").Want(200, "Hide")
	a.Forget()
	ada.Post("/guestbook/"+id+"/hide").Want(200, "Nobody has written yet")
	a.Expect(apptest.Happened{Audit: []string{actHidden}})
	ada.Post("/guestbook/" + id + "/hide").Want(404)
	a.ExpectNothing()
	// The rest of the app is there, and its console knows the mail and the actions.
	a.Operator("op@example.com").Get("/-/admin/email/templates").Want(200, "guestbook/thanks")
}

// The release with one step more keeps what was written, after a verified copy.
func TestGuestBookIsUpgraded(t *testing.T) {
	t.Parallel()
	first, err := fs.ReadFile(files(), "migrations/0001_entries.sql")
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	cfg := config.Config{Addr: "127.0.0.1:0", URL: "http://127.0.0.1:8140", Data: data, Replica: "off", Brand: "Acme", LogLevel: "error", MailFrom: "hello@acme.example"}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	old, err := app.New(t.Context(), cfg, app.Options{Hasher: auth.NewCheapHasher(), Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return apptest.Epoch.Add(-time.Hour) },
		Own: app.Own{Name: "guestbook", Files: fstest.MapFS{"migrations/0001_entries.sql": {Data: first}}}})
	if err != nil {
		t.Fatal(err)
	}
	err = old.DB.Write(t.Context(), func(tx *store.Tx) error {
		return insertEntry(tx, entry{ID: tx.NewID("gbe"), User: "usr_x", Name: "Grace", Text: "I was here first", At: tx.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	a := apptest.New(t, with(files()), func(c *config.Config, _ *app.Options) { c.Data = data })
	a.Browser().Get("/guestbook").Want(200, "I was here first")
	copies, err := filepath.Glob(filepath.Join(data, "backups", "pre-*-guestbook-v2.db"))
	if err != nil || len(copies) != 1 {
		t.Fatalf("copies before the upgrade: %v, %v", copies, err)
	}
	if err := store.CheckFile(t.Context(), copies[0]); err != nil {
		t.Error(err)
	}
}

// What breaks the house's rules is an error at start that says what to mend.
func TestWhatMayNotBeEmbedded(t *testing.T) {
	t.Parallel()
	file := func(name string) fstest.MapFS { return fstest.MapFS{name: {Data: []byte("x")}} }
	route := func(r web.Route) func(*app.App) app.Extension {
		return func(*app.App) app.Extension { return app.Extension{Routes: []web.Route{r}} }
	}
	for name, c := range map[string]struct {
		o    app.Options
		says string
	}{
		"a bad name":          {app.Options{Own: app.Own{Name: "Guest Book", Files: files()}}, "small letters"},
		"another's page":      {app.Options{Own: app.Own{Name: "guestbook", Files: file("pages/auth/mine.html")}}, "pages/guestbook/"},
		"a layout":            {app.Options{Own: app.Own{Name: "guestbook", Files: file("pages/head.html")}}, "pages/guestbook/"},
		"another's style":     {app.Options{Own: app.Own{Name: "guestbook", Files: file("css/app.css")}}, "css/guestbook"},
		"a page of ours":      {app.Options{Own: app.Own{Name: "auth", Files: file("pages/auth/login.html")}}, "there is one already"},
		"a page with a fault": {app.Options{Own: app.Own{Name: "guestbook", Files: fstest.MapFS{"pages/guestbook/x.html": {Data: []byte("{{template \"nothing\"}}")}}}}, "page guestbook/x"},
		"a gap in the steps":  {app.Options{Own: app.Own{Name: "guestbook", Files: file("migrations/0002_x.sql")}}, "without gaps"},
		"a mail, no sample":   {app.Options{Own: app.Own{Name: "guestbook", Files: fstest.MapFS{"mail/guestbook/x.txt": {Data: []byte("subject: X\npreheader: Y\nclass: account\n---\n# Z\n")}}}}, "no sample"},
		"no access":           {app.Options{Extend: route(web.Route{Method: "GET", Pattern: "/x"})}, "Access"},
		"no audit":            {app.Options{Extend: route(web.Route{Method: "POST", Pattern: "/x", Access: web.Public})}, "Exempt"},
		"an undeclared event": {app.Options{Extend: route(web.Route{Method: "POST", Pattern: "/x", Access: web.Public, Audit: []string{"x.made"}})}, "x.made"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config.Config{Addr: "127.0.0.1:0", URL: "http://127.0.0.1:8140", Data: filepath.Join(t.TempDir(), "data"), Replica: "off", Brand: "Acme", LogLevel: "error", MailFrom: "hello@acme.example"}
			c.o.Hasher, c.o.Log = auth.NewCheapHasher(), slog.New(slog.DiscardHandler)
			a, err := app.New(t.Context(), cfg, c.o)
			if err == nil {
				a.Close()
				t.Fatal("it is taken")
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %s", err, c.says)
			}
		})
	}
}
