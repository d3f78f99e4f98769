package upgrade

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"seaworthy/app/handover"
)

// The binaries of these tests are copies of the test itself: what is written behind its end
// says which release it is and how it behaves. So they are real processes, and none is built.
func TestMain(m *testing.M) {
	script, acts := scriptOf("/proc/self/exe")
	if !acts {
		os.Exit(m.Run())
	}
	os.Exit(script.act(os.Args[1:]))
}

// mark begins the script, so that no other end of a file is taken for one.
const mark = "\nSCRIPT-OF-THIS-COPY "

// script is how a copy behaves.
type script map[string]string

func scriptOf(path string) (script, bool) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false
	}
	end := make([]byte, 300)
	n, err := f.ReadAt(end, max(0, info.Size()-int64(len(end))))
	if err != nil && err != io.EOF {
		return nil, false
	}
	_, text, ok := bytes.Cut(end[:n], []byte(mark))
	if !ok {
		return nil, false
	}
	s := script{}
	for _, pair := range strings.Fields(string(text)) {
		name, value, _ := strings.Cut(pair, "=")
		s[name] = value
	}
	return s, true
}

// act is the program.
func (s script) act(args []string) int {
	switch strings.Join(args[:min(1, len(args))], "") {
	case "version":
		fmt.Println("seaworthy", s["version"])
	case "selftest":
		if s["selftest"] == "fails" {
			fmt.Println("FAILED  evaluate a flag")
			return 1
		}
		if s["selftest"] == "hangs" {
			time.Sleep(time.Hour)
		}
		for _, v := range os.Environ() {
			if strings.HasPrefix(v, "SEAWORTHY_") {
				fmt.Println("the environment is not clean:", v)
				return 1
			}
		}
	case "migrate":
		switch s["migrate"] {
		case "fails":
			fmt.Println("seaworthy: migration 99 (store_next): no such column")
			return 1
		case "older":
			return ExitNewerSchema
		}
		fmt.Println("The schema is 33 already: there is nothing to migrate.")
	case "serve":
		return s.serve(args[1], args[2])
	case "upgrade":
		return dieAt(args[1], args[2], args[3])
	}
	return 0
}

// serve is a server as far as an upgrade sees it: it holds the lock of the database, and on
// a signal the binary on the disk goes on in its place, or is refused.
func (s script) serve(data, binary string) int {
	lock, err := os.OpenFile(data+"/seaworthy.db.lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil || syscall.Flock(int(lock.Fd()), syscall.LOCK_EX) != nil {
		return 1
	}
	lock.Truncate(0)
	fmt.Fprintf(lock, "%d\n", os.Getpid())
	hup := make(chan os.Signal, 1)
	notify(hup)
	self, err := handover.Identify(handover.Self)
	if err != nil {
		return 1
	}
	boot, err := handover.ReadBoot(data)
	if err != nil {
		return 1
	}
	boot.Served = self
	if boot.Save() != nil {
		return 1
	}
	fmt.Println("serves", s["version"])
	for range hup {
		next, _ := scriptOf(binary)
		id, err := handover.Identify(binary)
		if err != nil {
			return 1
		}
		switch next["serve"] {
		case "refused":
			if boot, err = handover.ReadBoot(data); err != nil {
				return 1
			}
			boot.Refused, boot.Why = id, "it does not like it here"
			if boot.Save() != nil {
				return 1
			}
			continue
		case "crashes":
			return 1
		}
		fmt.Println("gives way to", next["version"], syscall.Exec(binary, []string{binary, "serve", data, binary}, nil))
	}
	return 0
}

// dieAt upgrades and is killed before a step, as by a power cut.
func dieAt(binary, file, step string) int {
	u := &Upgrade{File: file, Binary: binary, Program: program, Out: io.Discard, Wait: time.Second, Step: func(what string) {
		if what == step {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}}
	if step == "rollback" {
		u.Step = func(what string) {
			if what == StepSync {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
		u.Rollback(context.Background())
		return 0
	}
	u.Run(context.Background())
	return 0
}
