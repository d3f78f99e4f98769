package handover

import (
	"fmt"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Exec replaces this process by the binary, which finds the sockets at descriptor 3 and
// up, and keeps the process id. It returns only when that failed; the process is sound
// then and can try another binary.
func (s *Sockets) Exec(binary string, args, env []string) error {
	// A second request to reload must not kill the new one before it listens to signals:
	// what is ignored stays ignored.
	signal.Ignore(syscall.SIGHUP)
	failed := make(chan error)
	go func() { failed <- s.exec(binary, args, env) }()
	return <-failed
}

// exec needs a goroutine of its own: it leaves its thread unfit for anything else, and
// Go ends a thread whose goroutine ended while it was locked to it.
func (s *Sockets) exec(binary string, args, env []string) error {
	runtime.LockOSThread()
	// Descriptor 3 is in use by the runtime, whose threads run on until the very exec. So
	// this thread gets a table of descriptors of its own, and changes that.
	if err := unix.Unshare(unix.CLONE_FILES); err != nil {
		return fmt.Errorf("exec %s: a table of descriptors: %w", binary, err)
	}
	high := make([]int, len(s.files))
	for i, f := range s.files {
		raw, err := f.SyscallConn()
		if err != nil {
			return fmt.Errorf("exec %s: socket %s: %w", binary, s.names[i], err)
		}
		// Above all that will be overwritten below.
		err = raw.Control(func(fd uintptr) { high[i], _ = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, firstFD+maxSockets) })
		if err != nil || high[i] < firstFD {
			return fmt.Errorf("exec %s: socket %s cannot be passed on", binary, s.names[i])
		}
	}
	for i, fd := range high {
		if err := unix.Dup3(fd, firstFD+i, 0); err != nil {
			return fmt.Errorf("exec %s: socket %s: %w", binary, s.names[i], err)
		}
	}
	return fmt.Errorf("exec %s: %w", binary, syscall.Exec(binary, args, s.environ(env)))
}
