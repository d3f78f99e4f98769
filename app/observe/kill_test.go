package observe_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"seaworthy/app/observe"
	"seaworthy/store"
)

// childFolder makes the test binary a process that logs until it is killed.
const childFolder = "OBSERVE_TEST_CHILD"

// TestChild is the process that TestFault22 kills.
func TestChild(t *testing.T) {
	folder := os.Getenv(childFolder)
	if folder == "" {
		t.Skip("it runs as a child of TestFault22KillWithinABatch")
	}
	s := observe.New(observe.Options{Folder: folder})
	log := slog.New(s.Handler(slog.DiscardHandler))
	go s.Run(t.Context())
	for i := 1; ; i++ {
		log.Info("line", "i", i)
		if i%10 == 0 {
			fmt.Println("at", i, time.Now().UnixMilli())
			time.Sleep(time.Millisecond)
		}
	}
}

// Fault 22: kill -9 within a batch loses at most what came in the last quarter of a second,
// and leaves sound files.
func TestFault22KillWithinABatch(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run", "^TestChild$")
	child.Env = append(os.Environ(), childFolder+"="+folder)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	type mark struct{ i, ms int64 }
	var said []mark
	killed := time.After(1500 * time.Millisecond)
	for scan := bufio.NewScanner(out); scan.Scan(); {
		var m mark
		if n, _ := fmt.Sscanf(scan.Text(), "at %d %d", &m.i, &m.ms); n == 2 {
			said = append(said, m)
		}
		select {
		case <-killed:
			child.Process.Kill()
		default:
		}
	}
	child.Wait()
	if len(said) < 100 {
		t.Fatalf("the child said only %d marks", len(said))
	}
	for _, path := range segments(t, folder) {
		if err := store.CheckFile(t.Context(), path); err != nil {
			t.Error(err)
		}
	}
	s, log := alone(t, observe.Options{Folder: folder})
	log.Info("after")
	s.Flush()
	got := lines(t, s, "")
	if len(got) < 2 || got[0].Message != "after" {
		t.Fatalf("after the kill the log begins with %+v", got[:min(2, len(got))])
	}
	last, err := strconv.ParseInt(strings.Trim(string(got[1].Attrs), `{"i:}`), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	end := said[len(said)-1].ms
	for _, m := range said {
		// Twice the interval: the machine may be busy with other tests.
		if m.i > last && end-m.ms > 500 {
			t.Errorf("line %d of %d ms before the end is lost; the last that is kept is %d", m.i, end-m.ms, last)
			break
		}
	}
}
