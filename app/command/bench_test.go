package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy/app/bench"
)

// TestMain makes this program the server that is measured, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(Run("test", os.Args[1:]))
	}
	os.Exit(m.Run())
}

// Every area can be measured here, nothing that was acknowledged is lost, and nothing is
// left behind.
func TestBench(t *testing.T) {
	folder, file := t.TempDir(), filepath.Join(t.TempDir(), "figures.json")
	out, code := printed(t, "bench", "--for", "100ms", "--kills", "1", "--swaps", "1", "--clients", "8", "--folder", folder, "--json", file)
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r bench.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	measured := map[string]bool{}
	for _, row := range r.Results {
		measured[row.Area] = true
		if row.Error != "" || row.PerSecond == 0 && row.Value == "" {
			t.Errorf("%s was not measured: %+v", row.Name, row)
		}
		if !strings.Contains(out, row.Name) {
			t.Errorf("%s is not in the table\n%s", row.Name, out)
		}
		if row.Area == "loss" && row.Bar == "0" && (row.Missed || strings.Contains(row.Name, "of 0 acknowledged")) {
			t.Errorf("%s: %s", row.Name, row.Value)
		}
	}
	if names, _ := bench.Areas(); len(measured) != len(names) {
		t.Errorf("measured %v of %v", measured, names)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestBenchRefusesWhatItCannotMeasure(t *testing.T) {
	for _, args := range [][]string{{"--for", "1ms"}, {"--clients", "0"}, {"--kills", "5000"}} {
		if _, code := printed(t, append([]string{"bench"}, args...)...); code != exitUsage {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
	if _, code := printed(t, "bench", "--only", "sails", "--folder", t.TempDir()); code != 1 {
		t.Errorf("an area that there is not: exit code %d", code)
	}
}
