package handover

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestNamesOfSockets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		count, names string
		want         []string
		refused      bool
	}{
		{"1", "http", []string{"http"}, false},
		{"2", "plain:http", []string{"plain", "http"}, false},
		{"2", "", []string{"http", "plain"}, false},
		{"1", "seaworthy.socket", []string{"http"}, false},
		{"3", "http:plain:other", []string{"http", "plain", "other"}, false},
		{"0", "", []string{}, false},
		{"-1", "", nil, true},
		{"17", "", nil, true},
		{"many", "", nil, true},
		{"", "http", nil, true},
	} {
		got, err := nameFDs(c.count, c.names)
		if (err != nil) != c.refused || !slices.Equal(got, c.want) {
			t.Errorf("%q %q: %v, %v", c.count, c.names, got, err)
		}
	}
}

func FuzzNamesOfSockets(f *testing.F) {
	f.Add("2", "http:plain")
	f.Add("999999999999", ":::")
	f.Fuzz(func(t *testing.T, count, names string) {
		got, err := nameFDs(count, names)
		if err == nil && len(got) > maxSockets {
			t.Errorf("%d sockets", len(got))
		}
	})
}

// What is kept outlives its listener: who connects is queued and served by the next.
func TestSocketIsKept(t *testing.T) {
	t.Parallel()
	s := &Sockets{}
	defer s.Close()
	first, err := s.Listen(HTTP, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := first.Addr().String()
	first.Close()
	client, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	second, err := s.Listen(HTTP, "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	conn, err := second.Accept()
	if err != nil || second.Addr().String() != addr {
		t.Fatalf("%s, %v", second.Addr(), err)
	}
	conn.Close()
	env := s.environ([]string{"HOME=/", "LISTEN_FDS=9", takesVar + "=1"})
	if own := takesVar + "=" + strconv.Itoa(os.Getpid()) + ":0"; !slices.Contains(env, own) || slices.Contains(env, takesVar+"=1") {
		t.Errorf("%q", env)
	}
	if !slices.Contains(env, "LISTEN_FDS=1") || !slices.Contains(env, "LISTEN_FDNAMES=http") || slices.Contains(env, "LISTEN_FDS=9") || !slices.Contains(env, ownVar+"=1") {
		t.Errorf("%q", env)
	}
}

func TestManagerHearsOfUs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	hears := func() string {
		l.SetReadDeadline(time.Now().Add(5 * time.Second))
		buf := make([]byte, 1000)
		n, err := l.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	m := Manager{socket: path, watch: 20 * time.Millisecond}
	if err := m.Ready("serves\nEVIL=1"); err != nil {
		t.Fatal(err)
	}
	if got := hears(); got != "READY=1\nSTATUS=serves EVIL=1" {
		t.Errorf("%q", got)
	}
	if err := m.Reloading(); err != nil {
		t.Fatal(err)
	}
	if got := hears(); !strings.HasPrefix(got, "RELOADING=1\nMONOTONIC_USEC=") || strings.Contains(got, "USEC=0\n") {
		t.Errorf("%q", got)
	}
	// A process that starts asks for time; one that is not well says nothing.
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); m.Beat(done, func() error { return nil }, func() bool { return true }) }()
	if got := hears(); got != "EXTEND_TIMEOUT_USEC=40000\nWATCHDOG=1" {
		t.Errorf("%q", got)
	}
	close(done)
	<-ended
	if err := (Manager{}).Ready("nobody listens"); err != nil {
		t.Error(err)
	}
}

// A manager whose queue is full and who reads nothing holds nobody up.
func TestManagerThatReadsNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	told := make(chan error, 1)
	go func() {
		for {
			if err := (Manager{socket: path}).Tell("WATCHDOG=1"); err != nil {
				told <- err
				return
			}
		}
	}()
	select {
	case err := <-told:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for the manager")
	}
}
