package app_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"seaworthy/app/apptest"
	"seaworthy/store"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares text with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is meant, run go test ./app -update and look at the diff\n%s", path, firstDifference(got, string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		a, b := "", ""
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			return fmt.Sprintf("line %d:\n  got  %s\n  want %s", i+1, a, b)
		}
	}
	return ""
}

func TestRoutesGolden(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	var lines []string
	for _, r := range a.Web.Routes() {
		line := fmt.Sprintf("%-6s %-32s %s", r.Method, r.Pattern, r.Access)
		if r.Limit.Burst > 0 {
			line += fmt.Sprintf("; %d at once, one every %s", r.Limit.Burst, r.Limit.Every)
		}
		if r.Narrow {
			line += "; also read-only"
		}
		if len(r.Audit) > 0 {
			line += "; audits " + strings.Join(r.Audit, ", ")
		}
		if r.Exempt != "" {
			line += "; not audited: " + r.Exempt
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	golden(t, "routes.golden", strings.Join(lines, "\n")+"\n")
}

func TestOpenAPIGolden(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	var doc any
	p := a.Browser().Get("/-/api/openapi.json").Want(200).JSON(&doc)
	var text bytes.Buffer
	a.Must(json.Indent(&text, []byte(strings.ReplaceAll(p.Body, a.URL, "http://localhost")), "", "  "))
	golden(t, "openapi.golden", text.String())
}

func TestSchemaGolden(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	objects, err := store.Read(t.Context(), a.DB, func(tx *store.Tx) ([]string, error) {
		return store.All(tx, func(r store.Scanner) (s string, err error) { return s, r.Scan(&s) },
			`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type DESC, name`)
	})
	a.Must(err)
	golden(t, "schema.golden", strings.Join(objects, ";\n\n")+";\n")
}

func TestSchemaKeepsTheRules(t *testing.T) {
	t.Parallel()
	a := apptest.New(t)
	type object struct{ kind, name, table, sql string }
	objects, err := store.Read(t.Context(), a.DB, func(tx *store.Tx) ([]object, error) {
		return store.All(tx, func(r store.Scanner) (o object, err error) { return o, r.Scan(&o.kind, &o.name, &o.table, &o.sql) },
			`SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'`)
	})
	a.Must(err)
	owners := []string{"store_", "queue_", "audit_", "auth_", "web_", "email_", "sms_", "jobs_", "flags_", "proxy_", "billing_", "observe_", "ops_", "apply_", "welcome_", "schema_migration", "goqite"}
	for _, o := range objects {
		if !slices.ContainsFunc(owners, func(p string) bool { return strings.HasPrefix(o.table, p) }) {
			t.Errorf("%s has no owner's prefix", o.table)
		}
		switch {
		case o.kind == "table" && !strings.HasSuffix(strings.ToLower(o.sql), "strict"):
			t.Errorf("table %s is not STRICT", o.name)
		case o.kind == "trigger" && o.table != "goqite" && !strings.Contains(o.sql, "RAISE(ABORT"):
			t.Errorf("trigger %s is more than an append-only guard", o.name)
		}
	}
}

// TestEveryReleasedSchemaUpgrades brings each schema a release has had, with
// rows, up to today's.
func TestEveryReleasedSchemaUpgrades(t *testing.T) {
	t.Parallel()
	steps, err := store.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for from := range len(steps) {
		t.Run(fmt.Sprintf("from %d", from), func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(filepath.Join(t.TempDir(), "old.db"), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := store.Migrate(t.Context(), db, store.MigrateOptions{Steps: steps[:from], Binary: "old"}); err != nil && from > 0 {
				t.Fatal(err)
			}
			done, err := store.Migrate(t.Context(), db, store.MigrateOptions{Binary: "new"})
			if err != nil || done.From != from || done.To != len(steps) || (done.Copy == "") != (from == 0) {
				t.Fatalf("%+v, %v", done, err)
			}
			if err := db.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
