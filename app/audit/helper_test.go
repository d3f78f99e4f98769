package audit_test

import (
	"archive/zip"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/app/audit"
	"seaworthy/app/audit/merkle"
	"seaworthy/app/audit/verify"
	"seaworthy/app/auth"
	"seaworthy/app/seal"
	"seaworthy/store"
)

// signingKeyEvents are what every new log begins with: the key that signs.
const signingKeyEvents = 1

var filler = strings.Repeat("x", 3000)

// keysOf are the verifier keys of an app's log.
func keysOf(t testing.TB, a *apptest.App) []string {
	t.Helper()
	keys, err := store.Read(t.Context(), a.DB, audit.VerifierKeys)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// wantSound verifies the whole log of a running app.
func wantSound(t testing.TB, a *apptest.App) verify.Report {
	t.Helper()
	r, err := verify.Database(t.Context(), a.DB.Read, verify.Options{Keys: keysOf(t, a)})
	if err != nil || !r.OK() {
		t.Fatalf("the log does not verify: %+v, %v", r, err)
	}
	return r
}

// wantBad verifies a database file and wants this event named, and these words.
func wantBad(t testing.TB, path string, o verify.Options, seq int64, words string) {
	t.Helper()
	r, err := verify.File(t.Context(), path, o)
	if err != nil {
		t.Fatalf("%s: %v", words, err)
	}
	if r.OK() || r.BadSeq != seq || !strings.Contains(r.Problem, words) {
		t.Errorf("want event %d, %q; got event %d, %q", seq, words, r.BadSeq, r.Problem)
	}
}

// record writes n events with a row each, in few transactions.
func record(t testing.TB, a *apptest.App, n int, org string) {
	t.Helper()
	const chunk = 20 // a larger closure pays for its own savepoint
	for done := 0; done < n; done += chunk {
		err := a.DB.Write(t.Context(), func(tx *store.Tx) error {
			for i := done; i < min(n, done+chunk); i++ {
				e := audit.Event{Action: "session.created", Actor: audit.User(fmt.Sprintf("usr_%d", i%97)), Org: org, Targets: []audit.Ref{{Type: "session", ID: fmt.Sprint(i)}},
					Personal: map[string]string{"ip": "203.0.113.9"}, Details: map[string]any{"n": i}}
				if err := a.Audit.Record(tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// copyOf is a copy of the app's database in a file of its own.
func copyOf(t testing.TB, a *apptest.App) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := a.DB.CopyTo(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// shell is what an attacker with the sqlite3 command does to a file: the guards
// are dropped first.
func shell(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	rows, err := db.Query(`SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'audit_%'`)
	if err != nil {
		t.Fatal(err)
	}
	var drop []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		drop = append(drop, "DROP TRIGGER "+name)
	}
	rows.Close()
	for _, s := range append(drop, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// keyIn is the key that signs for the data folder.
func keyIn(t testing.TB, folder string) merkle.Key {
	t.Helper()
	seed, err := seal.KeyFile(filepath.Join(folder, "keys", "audit.key"), false)
	if err != nil {
		t.Fatal(err)
	}
	return merkle.NewKey(seed)
}

func authKey(permissions ...string) auth.NewKey {
	return auth.NewKey{Name: "test", Permissions: permissions}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// rezip copies a bundle with one proof damaged or left out.
func rezip(t testing.TB, from, to, change string) {
	t.Helper()
	in, err := zip.OpenReader(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	z := zip.NewWriter(out)
	for i, f := range in.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		hit := i == 20 && strings.HasPrefix(f.Name, verify.BundleProofs)
		if hit && change == "a proof is left out" {
			continue
		}
		if hit {
			data = []byte(strings.Replace(string(data), "index ", "index 1", 1))
		}
		w, err := z.Create(f.Name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// number is a number in the details of an event.
func number(v any) int64 {
	n, ok := v.(json.Number)
	if !ok {
		return -1
	}
	i, err := n.Int64()
	if err != nil {
		return -1
	}
	return i
}
