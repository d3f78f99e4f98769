package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/app/ops"
)

// examined is what doctor says as JSON, by the keys of its checks.
func examined(t *testing.T, c config.Config, d ops.Doctor) (map[string]ops.CheckJSON, ops.LaunchJSON) {
	t.Helper()
	d.Sources, d.JSON = app.CheckSources(), true
	if d.TXT == nil {
		d.TXT = zone{}.txt
	}
	var out bytes.Buffer
	err := d.Run(t.Context(), c, &out)
	var report ops.LaunchJSON
	if bad := json.Unmarshal(out.Bytes(), &report); bad != nil {
		t.Fatalf("%v, %v: %s", err, bad, out.String())
	}
	unwell := (*ops.UnwellError)(nil)
	if errors.As(err, &unwell) != (report.Exit != launch.ExitWell) || unwell != nil && unwell.Score.Exit() != report.Exit {
		t.Errorf("%v, exit code %d", err, report.Exit)
	}
	by := map[string]ops.CheckJSON{}
	for _, k := range report.Checks {
		by[k.Key] = k
	}
	return by, report
}

func wantFound(t *testing.T, by map[string]ops.CheckJSON, key string, state launch.State, detail string) {
	t.Helper()
	if k := by[key]; k.State != string(state) || !strings.Contains(k.Detail, detail) {
		t.Errorf("%s is %q: %s; want %q: %s", key, k.State, k.Detail, state, detail)
	}
}

// Doctor reads beside a running server, and asks it.
func TestDoctorBesideTheServer(t *testing.T) {
	t.Parallel()
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Replica = "" })
	a.Replicate()
	a.Operator("ada@example.com")
	a.RunJobs()
	a.Forget()
	c := a.Config
	c.Addr = strings.TrimPrefix(a.URL, "http://")
	by, report := examined(t, c, ops.Doctor{})
	wantFound(t, by, "server.ready", launch.Done, "")
	wantFound(t, by, "backups.fresh", launch.Done, "in step")
	wantFound(t, by, "database.sound", launch.Done, "Every page")
	wantFound(t, by, "database.schema", launch.Done, "")
	wantFound(t, by, "keys.master", launch.Done, "")
	wantFound(t, by, "auth.operator", launch.Done, "")
	wantFound(t, by, "alerts.delivered", launch.Todo, "None was ever sent")
	if report.Exit != launch.ExitUnfit || report.Ready {
		t.Errorf("a demonstration is fit for production: %+v", report)
	}
	by, _ = examined(t, c, ops.Doctor{Offline: true})
	wantFound(t, by, "backups.fresh", launch.Unknown, "running server")
	if _, asked := by["server.ready"]; asked {
		t.Error("it asks the server though it should not")
	}
	a.ExpectNothing()
}

// Doctor works while no server runs, and says what it could not check.
func TestDoctorWithoutTheServer(t *testing.T) {
	t.Parallel()
	c := stopped(t)
	by, _ := examined(t, c, ops.Doctor{})
	wantFound(t, by, "server.ready", launch.Unknown, "None listens")
	wantFound(t, by, "auth.operator", launch.Todo, "Nobody")
	wantFound(t, by, "database.sound", launch.Done, "")
	var out bytes.Buffer
	err := ops.Doctor{Sources: app.CheckSources(), TXT: zone{}.txt}.Run(t.Context(), c, &out)
	if err == nil || !strings.Contains(out.String(), "Could not be checked:\n  - The server is ready\n") || !strings.Contains(out.String(), "NOT FIT FOR PRODUCTION") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// stopped is an installation whose server has ended.
func stopped(t *testing.T) config.Config {
	t.Helper()
	c := config.Config{Addr: "127.0.0.1:1", URL: "http://127.0.0.1:1", Data: filepath.Join(t.TempDir(), "data"), Replica: "off", Brand: "Acme", LogLevel: "error",
		RateLimits: "on", Grace: 5 * time.Second, SMSDaily: 500, MailFrom: "Acme <hello@acme.example>"}
	a, err := app.New(t.Context(), c, app.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDoctorFindsFaultsOfFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		harm       func(data string) error
		key        string
		state      launch.State
		detail     string
		unreadable bool // the database is not asked
	}{
		"nothing there": {os.RemoveAll, "database.sound", launch.NotApplicable, "none", true},
		"no master key": {func(data string) error { return os.Remove(filepath.Join(data, "keys", "master.key")) }, "keys.master", launch.Todo, "missing", false},
		"a short key": {func(data string) error {
			return os.WriteFile(filepath.Join(data, "keys", "master.key"), []byte("x"), 0o600)
		}, "keys.master", launch.Todo, "", false},
		"no audit key": {func(data string) error { return os.Remove(filepath.Join(data, "keys", "audit.key")) }, "keys.audit", launch.Warn, "missing", false},
		"damage": {func(data string) error {
			return os.WriteFile(filepath.Join(data, "seaworthy.db"), bytes.Repeat([]byte("x"), 8192), 0o600)
		}, "database.sound", launch.Todo, "", true},
		"from the future": {func(data string) error {
			return os.Chtimes(filepath.Join(data, "seaworthy.db"), time.Now(), time.Now().Add(time.Hour))
		}, "database.future", launch.Todo, "was written at", false},
		"a newer schema":  {schemaOf(250), "database.schema", launch.Todo, "250", true},
		"an older schema": {schemaOf(3), "database.schema", launch.Warn, "at the next start", true},
		"open to others":  {func(data string) error { return os.Chmod(data, 0o755) }, "server.modes", launch.Todo, "Others", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := stopped(t)
			if err := c.harm(cfg.Data); err != nil {
				t.Fatal(err)
			}
			by, _ := examined(t, cfg, ops.Doctor{Offline: true})
			wantFound(t, by, c.key, c.state, c.detail)
			if _, unread := by["database.unread"]; unread != c.unreadable {
				t.Errorf("database.unread is there: %v", unread)
			}
		})
	}
}

// schemaOf gives a database's header another schema's number: user_version, which is at 60
// (https://sqlite.org/fileformat2.html section 1.3).
func schemaOf(number byte) func(string) error {
	return func(data string) error {
		f, err := os.OpenFile(filepath.Join(data, "seaworthy.db"), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte{0, 0, 0, number}, 60)
		return errors.Join(err, f.Close())
	}
}

// Doctor asks the DNS and the public address itself.
func TestDoctorLooks(t *testing.T) {
	t.Parallel()
	c := stopped(t)
	c.URL, c.PostmarkToken = "https://app.acme.example", "x"
	dns := zone{"acme.example": {"v=spf1 -all"}, "_dmarc.acme.example": {"v=DMARC1; p=reject"}}
	d := ops.Doctor{TXT: dns.txt, Outside: visited{200, "ok\n", true, 60 * 24 * time.Hour, nil, 0}}
	by, _ := examined(t, c, d)
	wantFound(t, by, "email.spf", launch.Done, "")
	wantFound(t, by, "email.dmarc", launch.Done, "reject")
	wantFound(t, by, "server.certificate", launch.Done, "valid until")
	wantFound(t, by, "server.hsts", launch.Done, "")
	d.Offline = true
	by, _ = examined(t, c, d)
	wantFound(t, by, "email.spf", launch.Unknown, "not asked")
	wantFound(t, by, "server.certificate", launch.Unknown, "not called")
}
