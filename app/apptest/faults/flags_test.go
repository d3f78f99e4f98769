//go:build faults

package faults

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// flagRules find nothing in a sound database: a flag is its newest version, its
// history has no gap, and each version has its event, which is of that definition.
var flagRules = map[string]string{
	"flag is not its newest version": `SELECT f.key || ' ' || f.version FROM flags_flag f LEFT JOIN flags_version v ON v.key = f.key AND v.version = (SELECT max(n.version) FROM flags_version n WHERE n.key = f.key)
		WHERE v.key IS NULL OR v.version <> f.version OR v.definition <> f.definition`,
	"gap in a flag's history":   `SELECT key FROM flags_version GROUP BY key HAVING min(version) <> 1 OR max(version) <> count(*)`,
	"version without its event": `SELECT v.key || ' ' || v.version FROM flags_version v WHERE 1 <> (SELECT count(*) FROM audit_event e JOIN audit_target t ON t.seq = e.seq WHERE t.target = 'flag:' || v.key AND json_extract(e.body, '$.details.version') = v.version)`,
	"event without its version": `SELECT e.seq FROM audit_event e JOIN audit_target t ON t.seq = e.seq WHERE t.target LIKE 'flag:%' AND NOT EXISTS (SELECT 1 FROM flags_version v WHERE 'flag:' || v.key = t.target AND v.version = json_extract(e.body, '$.details.version'))`,
	"tag of another version":    `SELECT r.from_name || ' ' || r.to_name FROM flags_reference r JOIN flags_flag f ON f.key = r.from_name WHERE r.from_kind = 'flag' AND r.to_name <> 'n-' || f.version`,
	"flag without its tag":      `SELECT f.key FROM flags_flag f WHERE 1 <> (SELECT count(*) FROM flags_reference r WHERE r.from_kind = 'flag' AND r.from_name = f.key)`,
}

// flagSabotage breaks each.
var flagSabotage = map[string]string{
	"flag is not its newest version": `UPDATE flags_flag SET definition = replace(definition, 'ENABLED', 'DISABLED') WHERE rowid = 1`,
	"gap in a flag's history":        `DELETE FROM flags_version WHERE version = 1`,
	"version without its event":      `DELETE FROM audit_event WHERE seq = (SELECT max(seq) FROM audit_target WHERE target LIKE 'flag:%')`,
	"event without its version":      `DELETE FROM flags_version WHERE rowid = (SELECT max(rowid) FROM flags_version)`,
	"tag of another version":         `UPDATE flags_reference SET to_name = 'n-0'`,
	"flag without its tag":           `DELETE FROM flags_reference`,
	"event of another definition":    `UPDATE flags_version SET definition = definition || ' '`,
}

// brokenFlags are the rules of flags that a database breaks, with an example each.
func brokenFlags(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, query := range flagRules {
		if all := texts(t, db, query); len(all) > 0 {
			out[name] = all[0]
		}
	}
	digests := texts(t, db, `SELECT json_extract(e.body, '$.details.sha256') || ' ' || v.definition FROM audit_event e JOIN audit_target t ON t.seq = e.seq JOIN flags_version v ON 'flag:' || v.key = t.target AND v.version = json_extract(e.body, '$.details.version')`)
	for _, row := range digests {
		told, definition, _ := strings.Cut(row, " ")
		if sum := sha256.Sum256([]byte(definition)); hex.EncodeToString(sum[:]) != told {
			out["event of another definition"] = row
		}
	}
	return out
}

// definitionOf says its number in every part, so that half of one would show.
func definitionOf(n int) string {
	return fmt.Sprintf(`{"state":"ENABLED","variants":{"a":%d,"b":%d},"defaultVariant":"a","metadata":{"n":%d},"x-seaworthy":{"tags":["n-%d"],"owner":"team-%d"}}`, n, -n, n, n, n)
}

// saves are the versions of flags that were acknowledged.
type saves struct {
	mu    sync.Mutex
	acked map[string]int
	all   int
}

// save makes the next version of a flag; what is live must be it from then on.
func (s *saves) save(c *child, key, flag string) bool {
	s.mu.Lock()
	n := s.acked[flag]
	s.mu.Unlock()
	a, err := c.ask(key, "PUT", "/-/api/v1/flags/"+flag, fmt.Sprintf(`{"definition":%s,"version":%d}`, definitionOf(n+1), n))
	if err != nil {
		return false
	}
	if a.status == 409 && n < s.standing(c, key, flag) { // the save before was durable, and its answer was lost
		s.note(flag, n+1)
		return true
	}
	if a.status != 200 && a.status != 201 {
		c.t.Errorf("version %d of %s: %s", n+1, flag, a)
		return false
	}
	s.note(flag, n+1)
	if e, err := c.ask(key, "POST", "/-/ofrep/v1/evaluate/flags/"+flag, `{"context":{}}`); err == nil && !strings.Contains(string(e.body), fmt.Sprintf(`"value":%d,`, n+1)) {
		c.t.Errorf("version %d of %s is acknowledged, and it says %s", n+1, flag, e)
	}
	return true
}

func (s *saves) note(flag string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked[flag] = n
	s.all++
}

// standing is the version a flag has, 0 if it is not there, and that it is whole.
func (s *saves) standing(c *child, key, flag string) int {
	c.t.Helper()
	a, err := c.ask(key, "GET", "/-/api/v1/flags/"+flag, "")
	if err != nil || a.status == 404 {
		return 0
	}
	var f struct {
		Version    int
		Owner      string
		Tags       []string
		Definition struct {
			Variants map[string]int
			Metadata struct{ N int }
		}
	}
	must(c.t, json.Unmarshal(a.body, &f))
	n := f.Version
	if f.Owner != fmt.Sprint("team-", n) || len(f.Tags) != 1 || f.Tags[0] != fmt.Sprint("n-", n) || f.Definition.Variants["a"] != n || f.Definition.Variants["b"] != -n || f.Definition.Metadata.N != n {
		c.t.Errorf("%s is of two versions: %s", flag, a)
	}
	e, err := c.ask(key, "POST", "/-/ofrep/v1/evaluate/flags/"+flag, `{"context":{}}`)
	if err != nil || !strings.Contains(string(e.body), fmt.Sprintf(`"value":%d,`, n)) || !strings.Contains(string(e.body), fmt.Sprintf(`"n":%d}`, n)) {
		c.t.Errorf("%s has version %d, and says %s %v", flag, n, e, err)
	}
	return n
}

// TestG7KillDuringFlagSaves kills the process again and again while flags are saved
// (goal G7 of spec/flags.md): a version that was acknowledged is there, one that was
// not is there whole or not at all, and definition, history, tags and log agree.
func TestG7KillDuringFlagSaves(t *testing.T) {
	data, dice, s := newData(t), chance(), &saves{acked: map[string]int{}}
	serve(t, data).stop()
	key := newKey(t, data, "flags:*")
	for run := range *kills {
		c := serve(t, data)
		s.stand(c, key)
		var callers sync.WaitGroup
		for caller := range *clients {
			callers.Go(func() {
				for s.save(c, key, fmt.Sprintf("kill-%d", caller)) {
				}
			})
		}
		s.mu.Lock()
		want := s.all + 1 + dice.IntN(20**clients)
		s.mu.Unlock()
		eventually(t, 60*time.Second, "versions are acknowledged", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.all >= want })
		c.kill()
		callers.Wait()
		for name, example := range brokenFlags(t, snapshot(t, data)) {
			t.Errorf("%s: %s", name, example)
		}
		if t.Failed() {
			t.Fatalf("after kill %d of %d", run+1, *kills)
		}
	}
	c := serve(t, data)
	s.stand(c, key)
	c.becomesReady()
	c.stop()
	for name, example := range broken(t, snapshot(t, data)) {
		t.Errorf("%s: %s", name, example)
	}
	inStep(t, data)
	for name, statement := range flagSabotage {
		db := snapshot(t, data)
		for _, trigger := range texts(t, db, `SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit_event'`) {
			_, err := db.Exec(`DROP TRIGGER ` + trigger)
			must(t, err)
		}
		_, err := db.Exec(`PRAGMA foreign_keys = OFF`)
		must(t, err)
		if _, err = db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if brokenFlags(t, db)[name] == "" {
			t.Errorf("%s: broken, and nobody noticed", name)
		}
	}
	t.Logf("%d kills, %d versions acknowledged, 0 lost", *kills, s.all)
}

// stand wants each flag to have what was acknowledged, or the version after that,
// whose answer the kill took.
func (s *saves) stand(c *child, key string) {
	c.t.Helper()
	for flag, n := range s.acked {
		is := s.standing(c, key, flag)
		if is != n && is != n+1 {
			c.t.Fatalf("LOST: version %d of %s was acknowledged, and it has %d", n, flag, is)
		}
		if is == n+1 {
			s.note(flag, is)
		}
	}
}
