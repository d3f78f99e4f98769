package store

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// Fault 25 of spec/observability.md: what changes something is refused, what runs for minutes ends.
func TestFault25Analyse(t *testing.T) {
	t.Parallel()
	db, _ := openWatched(t)
	if err := db.Write(t.Context(), func(tx *Tx) error {
		for n := range 5 {
			if _, err := tx.Exec(`INSERT INTO thing (n) VALUES (?)`, n); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	a, err := db.Analyse(t.Context(), `SELECT n FROM thing WHERE n >= ?`, []any{2}, time.Minute)
	if err != nil || a.Rows != 3 || a.CutShort || a.Took <= 0 {
		t.Errorf("a query = %+v, %v", a, err)
	}
	for _, change := range []string{`DELETE FROM thing`, `WITH all_of AS (SELECT n FROM thing) DELETE FROM thing WHERE n IN (SELECT n FROM all_of)`, `INSERT INTO thing (n) VALUES (9)`,
		`PRAGMA query_only = 0`, `ATTACH 'x' AS x`, ` update thing set n = 9`, ``} {
		if _, err := db.Analyse(t.Context(), change, nil, time.Minute); !errors.Is(err, ErrNotRead) {
			t.Errorf("%s: %v", change, err)
		}
	}
	for query, value := range map[string]any{`SELECT n FROM thing LIMIT ?`: "", `SELECT n FROM thing LIMIT 1 OFFSET ?`: nil, `SELECT json_extract(?, '$.a')`: "{", `SELECT abs(?)`: int64(math.MinInt64), `SELECT zeroblob(?)`: int64(1 << 40)} {
		if _, err := db.Analyse(t.Context(), query, []any{value}, time.Minute); !errors.Is(err, ErrValues) {
			t.Errorf("%s with %v: %v", query, value, err)
		}
	}
	const endless = `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c`
	start := time.Now()
	if a, err = db.Analyse(t.Context(), endless, nil, 200*time.Millisecond); err != nil || !a.CutShort || time.Since(start) > 5*time.Second {
		t.Errorf("an endless query = %+v, %v after %s", a, err, time.Since(start))
	}
	var n int
	if err := db.Read(t.Context(), func(tx *Tx) error { return tx.QueryRow(`SELECT count(*) FROM thing`).Scan(&n) }); err != nil || n != 5 {
		t.Errorf("%d rows are left, %v", n, err)
	}
}

func TestExplainAndSchema(t *testing.T) {
	t.Parallel()
	db, _ := openWatched(t)
	plan, err := db.Explain(t.Context(), `SELECT a.n FROM thing a JOIN thing b ON b.n = a.n WHERE a.n > ? ORDER BY a.n`)
	if err != nil || !strings.Contains(plan, "SEARCH a USING INTEGER PRIMARY KEY (rowid>?)") {
		t.Errorf("plan = %q, %v", plan, err)
	}
	if _, err := db.Explain(t.Context(), `SELECT x FROM nothing`); err == nil {
		t.Error("a statement that cannot run has a plan")
	}
	statements, stats, err := db.Schema(t.Context())
	if err != nil || len(statements) != 1 || !strings.HasPrefix(statements[0], "CREATE TABLE thing") || stats != nil {
		t.Errorf("schema = %q, %v, %v", statements, stats, err)
	}
	if err := db.Write(t.Context(), func(tx *Tx) error {
		for n := range 100 {
			if _, err := tx.Exec(`INSERT INTO thing (n) VALUES (?)`, n); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`ANALYZE`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, stats, err = db.Schema(t.Context()); err != nil || len(stats) != 1 || stats[0][0] != "thing" {
		t.Errorf("statistics = %v, %v", stats, err)
	}
	if s, err := db.SizeOf(t.Context(), "thing", []string{"n"}); err != nil || s.Rows != 99 || s.Bytes < 500 || s.Bytes > 5000 {
		t.Errorf("size = %+v, %v", s, err)
	}
}
