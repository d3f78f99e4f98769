// Package handover is how a process gets its listeners from whoever started it,
// tells a service manager how it is, and gives its place to another binary
// without a connection lost (spec/storage.md section 4).
package handover

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Names of the sockets, as FileDescriptorName= in a socket unit and in LISTEN_FDNAMES.
const (
	HTTP  = "http"  // where requests are served
	Plain = "plain" // where plain HTTP is sent on to https
)

// firstFD is the first descriptor that is passed (sd_listen_fds(3)).
const firstFD = 3

// maxSockets bounds what LISTEN_FDS may claim.
const maxSockets = 16

// Sockets are listening sockets by name. They stay open for as long as the process
// lives, so that the kernel keeps queueing those who connect while nobody accepts.
// The zero value has none.
type Sockets struct {
	names  []string
	files  []*os.File
	shared bool
	takes  bool
	shut   time.Time // since when nobody is let in
}

// ownVar tells a successor that the sockets were opened by one of us, and that nobody
// else has them.
const ownVar = "SEAWORTHY_OWN_SOCKETS"

// takesVar tells a successor that it is one, by the process id, and since when nobody is let
// in, in milliseconds since 1970.
const takesVar = "SEAWORTHY_SUCCESSOR"

// Inherit takes the sockets that the environment names (LISTEN_PID, LISTEN_FDS,
// LISTEN_FDNAMES, sd_listen_fds(3)) and removes the variables, so that no child
// believes them to be its own. Sockets of another process are left alone. Of
// sockets without names the first is HTTP, the second Plain.
func Inherit() (*Sockets, error) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		os.Unsetenv(name)
	}
	own := os.Getenv(ownVar) != ""
	os.Unsetenv(ownVar)
	s := &Sockets{}
	if of, ms, ok := strings.Cut(os.Getenv(takesVar), ":"); ok && of == strconv.Itoa(os.Getpid()) {
		s.takes = true
		if at, err := strconv.ParseInt(ms, 10, 64); err == nil && at > 0 {
			s.shut = time.UnixMilli(at)
		}
	}
	os.Unsetenv(takesVar)
	if pid != strconv.Itoa(os.Getpid()) {
		return s, nil
	}
	called, err := nameFDs(count, names)
	if err != nil {
		return nil, err
	}
	for i, name := range called {
		fd := firstFD + i
		syscall.CloseOnExec(fd)
		s.add(name, os.NewFile(uintptr(fd), name))
	}
	s.shared = len(called) > 0 && !own
	return s, nil
}

// nameFDs reads LISTEN_FDS and LISTEN_FDNAMES: a name for each descriptor.
func nameFDs(count, names string) ([]string, error) {
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > maxSockets {
		return nil, fmt.Errorf("LISTEN_FDS is %q: it must be a number from 0 to %d", count, maxSockets)
	}
	given := strings.Split(names, ":")
	all := make([]string, n)
	for i := range all {
		if i < len(given) {
			all[i] = given[i]
		}
		// systemd calls what has no name after the unit, or "unknown".
		if all[i] != HTTP && all[i] != Plain && i < 2 {
			all[i] = []string{HTTP, Plain}[i]
		}
	}
	return all, nil
}

func (s *Sockets) add(name string, f *os.File) {
	s.names, s.files = append(s.names, name), append(s.files, f)
}

// Listen is the inherited socket of that name, or else a new one at the TCP address,
// which is kept for whoever comes after. Closing the listener leaves the socket open.
func (s *Sockets) Listen(name, addr string) (net.Listener, error) {
	for i, has := range s.names {
		if has == name {
			l, err := net.FileListener(s.files[i])
			if err != nil {
				return nil, fmt.Errorf("inherited socket %s: %w", name, err)
			}
			return l, nil
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("keep the socket %s: %w", name, err)
	}
	s.add(name, f)
	return l, nil
}

// Shared reports whether a service manager has the sockets as well: they must not be shut
// down, and those who connect while no process runs wait for the next.
func (s *Sockets) Shared() bool { return s.shared }

// Successor reports whether another binary served in this process until a moment ago.
func (s *Sockets) Successor() bool { return s.takes }

// Shut notes that from now on those who connect wait for the successor.
func (s *Sockets) Shut() { s.shut = time.Now() }

// ShutAt is when the one before let nobody in any more; zero if that is not known.
func (s *Sockets) ShutAt() time.Time { return s.shut }

// Close closes all of them: from now on connections are refused.
func (s *Sockets) Close() {
	for _, f := range s.files {
		f.Close()
	}
	s.names, s.files = nil, nil
}

// environ is the environment in which the next binary finds the sockets.
func (s *Sockets) environ(env []string) []string {
	var all []string
	for _, v := range env {
		if !strings.HasPrefix(v, "LISTEN_") && !strings.HasPrefix(v, takesVar+"=") {
			all = append(all, v)
		}
	}
	if len(s.files) == 0 {
		return all
	}
	all = append(all, takesVar+"="+strconv.Itoa(os.Getpid())+":"+strconv.FormatInt(max(0, s.shut.UnixMilli()), 10))
	if !s.shared {
		all = append(all, ownVar+"=1")
	}
	return append(all, "LISTEN_PID="+strconv.Itoa(os.Getpid()), "LISTEN_FDS="+strconv.Itoa(len(s.files)), "LISTEN_FDNAMES="+strings.Join(s.names, ":"))
}
