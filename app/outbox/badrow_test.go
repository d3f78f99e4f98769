package outbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"seaworthy/store"
)

// badRows are rows that cannot be jobs, and what is said of them.
var badRows = []struct{ name, kind, args, rest, want string }{
	{"json", "test.do", `{"n":`, "NULL, NULL, NULL, NULL", "args is no valid JSON"},
	{"kind", "Test do!", `{}`, "NULL, NULL, NULL, NULL", "kind must be a name"},
	{"large", "test.do", `"` + strings.Repeat("x", maxArgs) + `"`, "NULL, NULL, NULL, NULL", "args must be at most 262144 bytes"},
	{"seconds", "test.do", `{}`, "NULL, NULL, 1800000000, NULL", "run_at is in milliseconds since 1970, and 1800000000 looks like seconds"},
	{"when", "test.do", `{}`, "NULL, NULL, 'tomorrow', NULL", "run_at must be a whole number"},
	{"urgent", "test.do", `{}`, "NULL, 101, NULL, NULL", "priority must be from -9 to 9"},
	{"queue", "test.do", `{}`, "'a b', NULL, NULL, NULL", "queue must be a name"},
	{"key", "test.do", `{}`, "NULL, NULL, NULL, x'00ff'", "key must be text"},
	{"longkey", "test.do", `{}`, "NULL, NULL, NULL, '" + strings.Repeat("k", maxText+1) + "'", "key must be text of at most 255 bytes"},
	{strings.Repeat("i", maxID+1), "test.do", `{}`, "NULL, NULL, NULL, NULL", "id must be text of at most 255 bytes"},
	{"", "test.do", `{}`, "NULL, NULL, NULL, NULL", "id is empty"},
}

func TestBadRowsStayAndBlockNobody(t *testing.T) {
	t.Parallel()
	for name, drop := range map[string]string{"marked": "", "no column for it": "ALTER TABLE seaworthy_outbox DROP COLUMN error",
		"may not be marked": "CREATE TRIGGER no BEFORE UPDATE ON seaworthy_outbox BEGIN SELECT RAISE(ABORT, 'no'); END"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := r.newApp()
			if drop != "" {
				a.exec(drop)
			}
			a.add("first")
			for _, b := range badRows {
				a.exec(`INSERT INTO seaworthy_outbox (id, kind, args, queue, priority, run_at, key) VALUES (?, ?, ?, `+b.rest+`)`, b.name, b.kind, b.args)
			}
			a.add("last")
			r.start()
			r.wants("first last")
			eventually(t, "the bad rows are counted", func() bool { return r.status().Bad == len(badRows) })
			eventually(t, "they alone are left", func() bool { return a.text(`SELECT count(*) FROM seaworthy_outbox`) == fmt.Sprint(len(badRows)) })
			told := r.status().BadRows
			for i, b := range badRows {
				if i >= len(told) || !strings.Contains(told[i].Reason, b.want) || !strings.HasPrefix(b.name, told[i].ID) {
					t.Errorf("%.20q: %+v, want %q", b.name, told, b.want)
					break
				}
				if name == "marked" && !strings.Contains(a.rows(), b.want) {
					t.Errorf("%.20q is not marked: %.300s", b.name, a.rows())
				}
			}

			// Mended, a row is a job. What was told before is not told again.
			if name == "may not be marked" {
				a.exec(`DROP TRIGGER no`)
			}
			mend := `UPDATE seaworthy_outbox SET args = '{}' WHERE id = 'json'`
			if drop != "ALTER TABLE seaworthy_outbox DROP COLUMN error" {
				mend = `UPDATE seaworthy_outbox SET args = '{}', error = NULL WHERE id = 'json'`
			}
			a.exec(mend)
			r.wants("first last json")
			eventually(t, "one bad row less", func() bool { return r.status().Bad == len(badRows)-1 })
			if n := strings.Count(r.logged(), "cannot be a job"); n != len(badRows) {
				t.Errorf("%d lines about %d bad rows", n, len(badRows))
			}
		})
	}
}

func TestIDUsedForAnotherJobIsMarked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a := r.newApp()
	r.start()
	a.add("one")
	r.wants("one")
	a.empties()
	a.add("one") // the same again: nothing to do
	a.empties()
	a.exec(`INSERT INTO seaworthy_outbox (id, kind, args) VALUES ('one', 'test.do', '{"n":2}')`)
	eventually(t, "the row is marked", func() bool { return strings.HasPrefix(a.rows(), "one: id was used before for another job") })
	if r.jobs() != "one" {
		t.Errorf("jobs: %s", r.jobs())
	}
}

// A row whose job cannot be written, for whatever reason, is found and marked; the
// others of its batch become jobs.
func TestPoisonRow(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(){"error": nil, "panic": func() { panic("boom") }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			a := r.newApp()
			r.w.enqueue = func(tx *store.Tx, source string, row Row) (bool, error) {
				if row.ID == "poison" {
					if fail != nil {
						fail()
					}
					return false, errors.New("boom")
				}
				return insert(tx, source, row)
			}
			a.add("a")
			a.add("poison")
			a.add("b")
			r.start()
			r.wants("a b")
			eventually(t, "the row is marked", func() bool {
				return strings.HasPrefix(a.rows(), "poison: could not be made a job: ") && strings.HasSuffix(a.rows(), "boom")
			})
		})
	}
}
