package advisor

import (
	"errors"
	"strings"
	"testing"
)

var shop = Schema{Statements: []string{
	`CREATE TABLE users (id TEXT NOT NULL PRIMARY KEY, org TEXT NOT NULL, status TEXT NOT NULL, created INTEGER NOT NULL, name TEXT) STRICT`,
	`CREATE TABLE invoices (id TEXT NOT NULL PRIMARY KEY, user_id TEXT NOT NULL, amount INTEGER NOT NULL, paid INTEGER NOT NULL) STRICT`,
	`CREATE INDEX users_org ON users (org)`,
}}

func TestAdvise(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement string
		want      []string
		after     string // a part of the plan
		gone      string // not in the plan any more
	}{
		"equal and ordered": {`SELECT id FROM users WHERE org = ? AND status = ? ORDER BY created DESC LIMIT 20`,
			[]string{"CREATE INDEX users_org_status_created ON users (org, status, created DESC)"}, "users_org_status_created", "TEMP B-TREE"},
		"scan":    {`SELECT id FROM invoices WHERE user_id = ?`, []string{"CREATE INDEX invoices_user_id ON invoices (user_id)"}, "SEARCH invoices USING INDEX invoices_user_id (user_id=?)", "SCAN"},
		"bounded": {`SELECT id FROM invoices WHERE user_id = ? AND amount > ?`, []string{"CREATE INDEX invoices_user_id_amount ON invoices (user_id, amount)"}, "user_id=? AND amount>?", "SCAN"},
		"join": {`SELECT u.name, i.amount FROM users u JOIN invoices i ON i.user_id = u.id WHERE u.status = ?`,
			[]string{"CREATE INDEX users_status ON users (status)", "CREATE INDEX invoices_user_id ON invoices (user_id)"}, "SEARCH", "SCAN"},
		"change":         {`UPDATE invoices SET paid = 1 WHERE user_id = ?`, []string{"CREATE INDEX invoices_user_id ON invoices (user_id)"}, "invoices_user_id", "SCAN"},
		"served":         {`SELECT id FROM users WHERE id = ?`, nil, "", ""},
		"served by ours": {`SELECT id FROM users WHERE org = ?`, nil, "", ""},
		"all of it":      {`SELECT id FROM users`, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := Advise(t.Context(), shop, c.statement)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range a.Indexes {
				got = append(got, i.SQL)
			}
			for _, want := range c.want {
				if !strings.Contains(strings.Join(got, "\n"), want) {
					t.Errorf("%q is not advised, but %q", want, got)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("advised %q", got)
			}
			if !strings.Contains(a.After, c.after) || c.gone != "" && strings.Contains(a.After, c.gone) {
				t.Errorf("it would run as\n%s", a.After)
			}
			if a.Before == "" {
				t.Error("nothing is said of how it runs")
			}
		})
	}
}

// Statistics decide: of two indexes that would do, the planner takes what it knows to be narrow.
func TestAdviseKnowsTheStatistics(t *testing.T) {
	t.Parallel()
	s := shop
	s.Stats = []Stat{{"users", "users_org", "100000 2"}, {"users", "sqlite_autoindex_users_1", "100000 1"}}
	a, err := Advise(t.Context(), s, `SELECT name FROM users WHERE org = ? AND id > ?`)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(a.Before, "users_org (org=?)") {
		t.Errorf("it runs as %s", a.Before)
	}
}

// A program that embeds us may call its columns what it likes.
func TestAdviseOnNamesThatAreWords(t *testing.T) {
	t.Parallel()
	s := Schema{Statements: []string{`CREATE TABLE "order" (id TEXT NOT NULL PRIMARY KEY, "group" TEXT NOT NULL, key TEXT NOT NULL) STRICT`}}
	a, err := Advise(t.Context(), s, `SELECT id FROM "order" WHERE "group" = ? AND key = ?`)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Indexes) != 1 || a.Indexes[0].SQL != `CREATE INDEX order_group_key ON "order" ("group", key)` {
		t.Errorf("advised %+v", a.Indexes)
	}
}

func TestNoAdvice(t *testing.T) {
	t.Parallel()
	if _, err := Advise(t.Context(), shop, `INSERT INTO users (id, org, status, created) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET org = excluded.org`); !errors.Is(err, ErrNoAdvice) {
		t.Errorf("%v", err)
	}
	if _, err := Advise(t.Context(), shop, `SELECT nothing FROM nowhere`); err == nil {
		t.Error("a statement that cannot run is advised on")
	}
}
