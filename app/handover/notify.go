package handover

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Manager is the service manager that started this process, as sd_notify(3) describes
// it. The zero value is none, and everything is silently not told to it.
type Manager struct {
	socket string        // of NOTIFY_SOCKET
	watch  time.Duration // by when it wants to hear from us; 0: never
}

// FindManager reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. The variables stay
// for the binary that takes this one's place.
func FindManager() Manager {
	m := Manager{socket: os.Getenv("NOTIFY_SOCKET")}
	if m.socket != "" && !strings.HasPrefix(m.socket, "/") && !strings.HasPrefix(m.socket, "@") {
		m.socket = "" // of a kind that we do not speak, such as vsock
	}
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	pid := os.Getenv("WATCHDOG_PID")
	if err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		m.watch = time.Duration(usec) * time.Microsecond
	}
	return m
}

// patience is how long a manager that reads nothing is waited for: neither a start nor an end
// may hang of it.
const patience = 2 * time.Second

// Tell sends the assignments, one a line, such as "READY=1".
func (m Manager) Tell(lines ...string) error {
	if m.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	defer conn.Close()
	conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := conn.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}

// Ready says that requests are answered.
func (m Manager) Ready(status string) error { return m.Tell("READY=1", status1(status)) }

// Reloading says that another binary takes this one's place; it tells Ready.
func (m Manager) Reloading() error {
	return m.Tell("RELOADING=1", "MONOTONIC_USEC="+strconv.FormatInt(monotonic().Microseconds(), 10), "STATUS=making room for the binary on the disk")
}

// Stopping says that the process ends.
func (m Manager) Stopping() error { return m.Tell("STOPPING=1", "STATUS=finishing what runs") }

// Status is a sentence for people.
func (m Manager) Status(text string) error { return m.Tell(status1(text)) }

// status1 keeps it on one line: another would be another assignment.
func status1(text string) string { return "STATUS=" + strings.Join(strings.Fields(text), " ") }

// Beat tells the watchdog that the process is alive until done is closed, as long as
// alive says so: it is asked twice in each interval. While starting, it asks for the
// time that a migration may take as well.
func (m Manager) Beat(done <-chan struct{}, alive func() error, starting func() bool) {
	if m.socket == "" {
		return
	}
	every := m.watch / 2
	if every == 0 {
		every = 15 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		var lines []string
		if starting() {
			lines = append(lines, "EXTEND_TIMEOUT_USEC="+strconv.FormatInt((4*every).Microseconds(), 10))
		}
		if m.watch > 0 && alive() == nil {
			lines = append(lines, "WATCHDOG=1")
		}
		if len(lines) > 0 {
			m.Tell(lines...) // one that is lost is followed by another
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}
