package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seaworthy/app"
	"seaworthy/app/apptest"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/ops"
	"seaworthy/store/replica"
)

// A database whose key is lost must not be served as if nothing were: what it sealed would be
// gone without a word.
func TestDatabaseWithoutItsKeyIsRefused(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	open := func(change func(*config.Config)) error {
		cfg := config.Config{Addr: "127.0.0.1:0", URL: "http://127.0.0.1:1", Data: data, Replica: "off", Brand: "Acme", LogLevel: "error",
			RateLimits: "on", Grace: time.Second, MailFrom: "a@acme.example"}
		if change != nil {
			change(&cfg)
		}
		a, err := app.New(t.Context(), cfg, app.Options{Version: "test", Hasher: auth.NewCheapHasher()})
		if err != nil {
			return err
		}
		return a.Close()
	}
	if err := open(nil); err != nil {
		t.Fatal(err)
	}
	var kit bytes.Buffer
	pass, err := ops.ExportKeys(data, nil, apptest.Epoch, &kit)
	if err != nil || len(pass) != 29 {
		t.Fatal(pass, err)
	}
	key := filepath.Join(data, "keys", "master.key")
	before, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(data, "keys")); err != nil {
		t.Fatal(err)
	}
	if err := open(nil); err == nil || !strings.Contains(err.Error(), "keys import") || !strings.Contains(err.Error(), "--new-keys") {
		t.Fatalf("served without its key: %v", err)
	}
	if _, err := os.Stat(key); err == nil {
		t.Fatal("a new key hides that the old one is missing")
	}

	if _, err := ops.ImportKeys(data, bytes.NewReader(kit.Bytes()), ops.Identity{Passphrase: "aaaaa-aaaaa-aaaaa-aaaaa-aaaaa"}); err == nil {
		t.Error("any passphrase opens the kit")
	}
	names, err := ops.ImportKeys(data, bytes.NewReader(kit.Bytes()), ops.Identity{Passphrase: pass})
	if err != nil || strings.Join(names, " ") != "audit.key master.key" {
		t.Fatal(names, err)
	}
	if after, err := os.ReadFile(key); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the key came back as another: %v", err)
	}
	if err := open(nil); err != nil {
		t.Errorf("with the key from the kit: %v", err)
	}
	if err := ops.CheckKit(data, bytes.NewReader(kit.Bytes()), ops.Identity{Passphrase: pass}); err != nil {
		t.Error(err)
	}

	// Lost for good.
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if err := open(func(c *config.Config) { c.NewKeys = true }); err != nil {
		t.Errorf("with --new-keys: %v", err)
	}
	if err := ops.CheckKit(data, bytes.NewReader(kit.Bytes()), ops.Identity{Passphrase: pass}); err == nil {
		t.Error("the old kit counts for the new keys")
	}
	if _, err := ops.ImportKeys(data, bytes.NewReader(kit.Bytes()), ops.Identity{Passphrase: pass}); err == nil {
		t.Error("the kit replaces keys that are in use")
	}
}

// The replica is brought back to a folder of its own, and nothing that is there is touched.
func TestRestoreCommand(t *testing.T) {
	t.Parallel()
	var data string
	a := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Replica, data = "", c.Data })
	cfg, err := replica.Find("", data)
	if err != nil {
		t.Fatal(err)
	}
	d, err := replica.Start(t.Context(), a.DB, cfg, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a.SignUp("ada@example.com")
	if err := d.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	events := a.Query("SELECT CAST(count(*) AS TEXT) FROM audit_event")
	if err := d.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	has, err := replica.Inspect(t.Context(), cfg)
	if err != nil || len(has.Epochs) != 1 || !has.Epochs[0].Current || has.Epochs[0].Files == 0 || has.Epochs[0].Newest.IsZero() {
		t.Fatalf("Inspect = %+v, %v", has, err)
	}

	var said bytes.Buffer
	out := filepath.Join(t.TempDir(), "new", "copy.db")
	if err := (ops.Restore{Config: cfg, Data: data, Out: out}).Run(t.Context(), &said); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), events+" events verified") {
		t.Errorf("it says:\n%s", said.String())
	}
	if err := (ops.Restore{Config: cfg, Data: data}).Run(t.Context(), &said); err == nil || !strings.Contains(err.Error(), "is not touched") {
		t.Errorf("over the database that is there: %v", err)
	}
	if err := (ops.Restore{Config: cfg, Data: data, Out: out + "2", At: time.Now().Add(-time.Hour)}).Run(t.Context(), &said); err == nil || !strings.Contains(err.Error(), "backup status") {
		t.Errorf("of a time before the first: %v", err)
	}
	said.Reset()
	fresh := t.TempDir()
	if err := (ops.Restore{Config: cfg, Data: fresh}).Run(t.Context(), &said); err != nil || !strings.Contains(said.String(), "keys import") {
		t.Errorf("a folder without keys: %v\n%s", err, said.String())
	}
}
