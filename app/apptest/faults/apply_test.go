//go:build faults

package faults

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"seaworthy/store"
)

// TestReloadAppliesTheFile edits seaworthy.yml under a running server: the file counts from
// the start on, and from each reload on; one with a fault changes nothing and stops nothing.
func TestReloadAppliesTheFile(t *testing.T) {
	t.Parallel()
	data, l := newData(t), &ledger{}
	binary := filepath.Join(t.TempDir(), "seaworthy")
	place(t, stock, binary)
	file := filepath.Join(data, "seaworthy.yml")
	rules := func() (text string) {
		must(t, store.ReadFile(t.Context(), filepath.Join(data, "seaworthy.db"), func(tx *store.Tx) error {
			return tx.QueryRow(`SELECT coalesce(max(version), 0) || ' ' || coalesce((SELECT rules FROM proxy_ruleset ORDER BY version DESC LIMIT 1), '') FROM proxy_ruleset`).Scan(&text)
		}))
		return text
	}
	must(t, os.MkdirAll(data, 0o700))
	must(t, os.WriteFile(file, []byte("access:\n  rules:\n    - {path: /a}\n"), 0o600))
	c := start(t, binary, data)
	c.answers()
	if got := rules(); got != `1 [{"path":"/a","who":"signed_in"}]` {
		t.Errorf("at the start: %s", got)
	}
	reload := func(text string, serves int) {
		must(t, os.WriteFile(file, []byte(text), 0o600))
		must(t, syscall.Kill(c.cmd.Process.Pid, syscall.SIGHUP))
		eventually(t, 30*time.Second, "it serves again", func() bool { return len(c.lines("Seaworthy dev")) == serves })
	}
	reload("access:\n  rules:\n    - {path: /b, who: public}\n", 2)
	want := `2 [{"path":"/b","who":"public"},{"path":"/a","who":"signed_in"}]`
	if got := rules(); got != want {
		t.Errorf("after a reload: %s", got)
	}
	reload("access:\n  rules: []\nnonsense: 1\n", 3)
	if got := rules(); got != want || len(c.lines("seaworthy.yml was not applied")) != 1 {
		t.Errorf("after a reload with a fault: %s", got)
	}
	l.signUp(c)
	c.stop()
	sound(t, snapshot(t, data), l)
}
