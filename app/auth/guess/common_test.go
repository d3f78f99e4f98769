package guess

import (
	"bufio"
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var list = flag.String("passwords", "", "rewrite common.bin from this list of passwords, the most used first")

// cores is how many of the list's words are kept as such.
const cores = 50_000

// TestTable makes the table where -passwords names a list, and looks at the one there is.
func TestTable(t *testing.T) {
	if *list != "" {
		if err := rewrite(*list); err != nil {
			t.Fatal(err)
		}
	}
	if len(table)%width != 0 || len(table) < 80_000*width {
		t.Fatalf("%d bytes", len(table))
	}
	for i := width; i < len(table); i += width {
		if bytes.Compare(table[i-width:i], table[i:i+width]) >= 0 {
			t.Fatalf("entry %d is out of order", i/width)
		}
	}
}

func rewrite(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	all, words := map[[width]byte]bool{}, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if !utf8.ValidString(lines.Text()) {
			continue
		}
		folded := []rune(strings.ToLower(lines.Text()))
		if len(folded) >= Shortest {
			all[digest(whole, skeleton(nil, folded))] = true
		}
		if from, to := letters(folded); to-from >= shortestCore && words < cores {
			if d := digest(core, skeleton(nil, folded[from:to])); !all[d] {
				all[d] = true
				words++
			}
		}
	}
	var sorted [][width]byte
	for d := range all {
		sorted = append(sorted, d)
	}
	slices.SortFunc(sorted, func(a, b [width]byte) int { return bytes.Compare(a[:], b[:]) })
	table = nil
	for _, d := range sorted {
		table = append(table, d[:]...)
	}
	return os.WriteFile("common.bin", table, 0o644)
}
