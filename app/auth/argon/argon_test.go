package argon

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// As the process of its own this test binary serves and does nothing else.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "serve":
		if Serve(os.Stdin, os.Stdout) != nil {
			os.Exit(1)
		}
		return
	case len(os.Args) == 2 && os.Args[1] == "hang":
		time.Sleep(time.Hour)
	}
	os.Exit(m.Run())
}

var cheap = Params{Memory: 8, Passes: 1, Threads: 1}

func process(t *testing.T, word string) *Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{Command: []string{self, word}}
	t.Cleanup(p.Close)
	return p
}

func TestProcess(t *testing.T) {
	t.Parallel()
	p := process(t, "serve")
	odd := []byte("\xff\x00 no UTF-8 \n")
	phc, err := p.Hash(cheap, odd)
	if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatalf("%q, %v", phc, err)
	}
	if match, err := Verify(cheap, phc, odd); !match || err != nil {
		t.Errorf("what the process made does not match here: %v", err)
	}
	for password, want := range map[string]bool{string(odd): true, "another": false, "": false} {
		if match, err := p.Verify(cheap, phc, []byte(password)); match != want || err != nil {
			t.Errorf("%q: %v, %v", password, match, err)
		}
	}
	if match, err := p.Verify(cheap, "", odd); match || err != nil {
		t.Errorf("no hash: %v, %v", match, err)
	}
	if _, err := p.Verify(cheap, "$argon2id$x", odd); !errors.Is(err, ErrBadHash) {
		t.Errorf("a hash that is none: %v", err)
	}
}

// A process that was killed is started again, and the task that met it is done.
func TestProcessIsStartedAgain(t *testing.T) {
	t.Parallel()
	p := process(t, "serve")
	for range 3 {
		if _, err := p.Hash(cheap, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := p.child.kill(); err != nil {
			t.Fatal(err)
		}
	}
}

// A process that has nothing to do ends, and the next task starts another.
func TestProcessRests(t *testing.T) {
	t.Parallel()
	p := process(t, "serve")
	p.Rest = time.Millisecond
	for range 2 {
		if _, err := p.Hash(cheap, []byte("x")); err != nil {
			t.Fatal(err)
		}
		for running := true; running; {
			p.mu.Lock()
			running = p.child != nil
			p.mu.Unlock()
		}
	}
}

// A process that hangs is ended, and the task fails.
func TestProcessThatHangs(t *testing.T) {
	t.Parallel()
	p := process(t, "hang")
	p.Limit = 20 * time.Millisecond
	if _, err := p.Hash(cheap, []byte("x")); err == nil || p.child != nil {
		t.Errorf("%v", err)
	}
}

func TestProcessThatCannotStart(t *testing.T) {
	t.Parallel()
	p := &Process{Command: []string{"/nonexistent"}}
	if _, err := p.Hash(cheap, []byte("x")); err == nil || !strings.Contains(err.Error(), "/nonexistent") {
		t.Errorf("%v", err)
	}
	if p := process(t, "-unknown"); p != nil {
		if _, err := p.Hash(cheap, []byte("x")); err == nil {
			t.Error("a program that answers no task is believed")
		}
	}
}

func TestServeRefusesWhatIsNoTask(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Serve(strings.NewReader(`{"params":7}`), &out); err == nil || out.Len() != 0 {
		t.Errorf("%v, %q", err, out.String())
	}
}
