package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"seaworthy/app/audit/verify"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/flags"
	"seaworthy/store"
)

// Tried is one part of a self-test.
type Tried struct {
	What string
	Took time.Duration
	Err  error
}

// SelfTest opens a whole app on a database of its own in a temporary folder, does a little
// of everything that customers need, and tells of each part as it ends. Nothing leaves the
// process. It stops at the first part that fails, and returns its error.
func SelfTest(ctx context.Context, o Options, tell func(Tried)) (err error) {
	folder, err := os.MkdirTemp("", "seaworthy-selftest-*")
	if err != nil {
		return fmt.Errorf("self-test: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	t := &selfTest{o: o, data: filepath.Join(folder, "data")}
	defer func() {
		if t.app != nil {
			err = errors.Join(err, t.app.Close())
		}
	}()
	for _, part := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"open a database, bring it to this schema, build every system", t.open},
		{"hash a password and know it again", t.hash},
		{"sign somebody up: rows, audit event and job in one transaction", t.signUp},
		{"run the jobs, which render and deliver a mail", t.deliver},
		{"sign a token, and take it for the one who shows it", t.token},
		{"parse every page, render one", t.page},
		{"evaluate a flag", t.flag},
		{"close, and check every page and the audit log", t.sound},
	} {
		began := time.Now()
		err := part.do(ctx)
		tell(Tried{part.what, time.Since(began), err})
		if err != nil {
			return fmt.Errorf("self-test: %s: %w", part.what, err)
		}
	}
	return nil
}

type selfTest struct {
	o      Options
	data   string
	app    *App
	bearer string
}

const (
	selfMail     = "robin@selftest.example"
	selfPassword = "a self-test needs no good one 7"
)

func (t *selfTest) open(ctx context.Context) error {
	vars := map[string]string{"SEAWORTHY_DATA": t.data, "SEAWORTHY_REPLICA": "off", "SEAWORTHY_INBOX_SMTP": "off", "SEAWORTHY_RATE_LIMITS": "off"}
	cfg, err := config.Load(func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
	if err != nil {
		return err
	}
	o := t.o
	o.Log, o.Hasher = slog.New(slog.DiscardHandler), auth.NewHasher(1)
	t.app, err = New(ctx, cfg, o)
	return err
}

func (t *selfTest) hash(ctx context.Context) error {
	phc, err := t.app.o.Hasher.Hash(ctx, selfPassword)
	if err != nil {
		return err
	}
	match, err := t.app.o.Hasher.Verify(ctx, phc, selfPassword)
	other, err2 := t.app.o.Hasher.Verify(ctx, phc, selfPassword+"!")
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if !match || other {
		return errors.New("the wrong one is taken for the right one")
	}
	return nil
}

func (t *selfTest) signUp(ctx context.Context) error {
	var made struct{ User struct{ ID string } }
	if err := t.call(ctx, "POST", "/-/api/v1/signup", map[string]string{"name": "Robin Self", "email": selfMail, "password": selfPassword}, http.StatusCreated, &made); err != nil {
		return err
	}
	st, err := t.app.Audit.State(ctx)
	if err != nil {
		return err
	}
	if made.User.ID == "" || st.Size == 0 {
		return fmt.Errorf("user %q, %d audit events", made.User.ID, st.Size)
	}
	return nil
}

func (t *selfTest) deliver(ctx context.Context) error {
	ran, err := t.app.Queue.Drain(ctx)
	if err != nil {
		return err
	}
	var mails []struct{ Subject, HTML, Text string }
	if err := t.call(ctx, "GET", "/-/dev/inbox?q="+url.QueryEscape(selfMail), nil, http.StatusOK, &mails); err != nil {
		return err
	}
	if len(ran) == 0 || len(mails) != 1 || mails[0].Subject == "" {
		return fmt.Errorf("%d jobs ran, %d mails came", len(ran), len(mails))
	}
	return nil
}

func (t *selfTest) token(ctx context.Context) error {
	var in struct {
		Token string `json:"access_token"`
	}
	if err := t.call(ctx, "POST", "/-/api/v1/login", map[string]string{"email": selfMail, "password": selfPassword}, http.StatusOK, &in); err != nil {
		return err
	}
	t.bearer = in.Token
	var me struct{ User struct{ Email string } }
	if err := t.call(ctx, "GET", "/-/api/v1/me", nil, http.StatusOK, &me); err != nil {
		return err
	}
	if me.User.Email != selfMail {
		return fmt.Errorf("it is taken for %q", me.User.Email)
	}
	// One that somebody changed must not be.
	t.bearer = in.Token[:len(in.Token)-6] + strings.Map(func(r rune) rune {
		if r == 'A' {
			return 'B'
		}
		return 'A'
	}, in.Token[len(in.Token)-6:])
	return t.call(ctx, "GET", "/-/api/v1/me", nil, http.StatusUnauthorized, nil)
}

func (t *selfTest) page(ctx context.Context) error {
	if err := t.app.Pages.Check(""); err != nil {
		return err
	}
	t.bearer = ""
	a := t.request(ctx, "GET", "/-/login", nil, "text/html")
	if a.status != http.StatusOK || !strings.Contains(a.body.String(), "</html>") {
		return fmt.Errorf("status %d, %d bytes", a.status, a.body.Len())
	}
	return nil
}

const selfFlag = `{"flags":{"selftest":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off",
	"targeting":{"if":[{"==":[{"var":"tier"},"gold"]},"on","off"]}}}}`

func (t *selfTest) flag(ctx context.Context) error {
	if _, err := t.app.Flags.Import(ctx, []byte(selfFlag), false); err != nil {
		return err
	}
	for tier, want := range map[string]bool{"gold": true, "tin": false} {
		if got := t.app.Flags.Bool(flags.With(ctx, map[string]any{"tier": tier}), "selftest", !want); got != want {
			return fmt.Errorf("it is %v for %s", got, tier)
		}
	}
	return nil
}

// sound closes the database and looks at the file as doctor and an auditor would.
func (t *selfTest) sound(ctx context.Context) error {
	a := t.app
	t.app = nil
	if err := a.Close(); err != nil {
		return err
	}
	path := filepath.Join(t.data, "seaworthy.db")
	if err := store.CheckFile(ctx, path); err != nil {
		return err
	}
	report, err := verify.File(ctx, path, verify.Options{})
	if err == nil && !report.OK() {
		err = errors.New(report.Problem)
	}
	return err
}

// call is a request of the API; out takes its answer.
func (t *selfTest) call(ctx context.Context, method, path string, in any, want int, out any) error {
	a := t.request(ctx, method, path, in, "application/json")
	if a.status != want {
		return fmt.Errorf("%s %s: status %d: %.300s", method, path, a.status, a.body.String())
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(a.body.Bytes(), out)
}

func (t *selfTest) request(ctx context.Context, method, path string, in any, accept string) *answer {
	a := &answer{header: http.Header{}, status: http.StatusOK}
	var body bytes.Buffer
	if in != nil {
		json.NewEncoder(&body).Encode(in)
	}
	r, err := http.NewRequestWithContext(ctx, method, t.app.Config.URL+path, &body)
	if err != nil {
		a.status = 0
		return a
	}
	r.RequestURI, r.RemoteAddr = path, "127.0.0.1:1"
	r.Header.Set("Accept", accept)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if t.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+t.bearer)
	}
	t.app.Web.ServeHTTP(a, r)
	return a
}

// answer keeps what a handler answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
	wrote  bool
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if !a.wrote && status >= 200 {
		a.status, a.wrote = status, true
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
