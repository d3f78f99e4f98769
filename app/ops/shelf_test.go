package ops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A process that is killed amid a copy leaves half of one. It goes with a later copy, unless it
// may still be written; what else lies there stays.
func TestHalvesOfCopiesGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{".copy-old": 25 * time.Hour, ".copy-young": time.Minute, "notes.txt": 1000 * time.Hour} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Date(2026, 11, 29, 3, 17, 0, 0, time.UTC)
	if n, err := FolderShelf(dir).Put(t.Context(), copyName(at, false), strings.NewReader("whole")); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != ".copy-young notes.txt seaworthy-20261129T031700Z.db.zst" {
		t.Errorf("there are %s", got)
	}
}
