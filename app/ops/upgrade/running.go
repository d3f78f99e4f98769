package upgrade

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"seaworthy/app/handover"
	"seaworthy/store"
)

// server is the one that runs on the data folder.
type server struct {
	pid  int
	unit string // of systemd that it is the main process of; "" for none
}

// find looks for the server; nil if none runs, or it is to be left alone.
func (u *Upgrade) find(ctx context.Context) (*server, error) {
	if u.Data == "" {
		return nil, nil
	}
	pid, err := store.Holder(u.database())
	if err != nil || pid == 0 {
		return nil, err
	}
	runs, err := os.Readlink(exeOf(pid))
	if err != nil {
		if u.NoReload {
			return nil, nil
		}
		return nil, fmt.Errorf("process %d has the database open, and it cannot be seen which binary it runs: run this as root, or give --no-reload and reload it yourself: %w", pid, err)
	}
	if ours := strings.TrimSuffix(strings.TrimSuffix(runs, " (deleted)"), ".old"); ours != u.Binary && !u.NoReload {
		return nil, fmt.Errorf("process %d has the database of %s open and runs %s, not %s: name that with --binary, or give --no-reload", pid, u.Data, runs, u.Binary)
	}
	return &server{pid: pid, unit: u.unitOf(ctx, pid)}, nil
}

func exeOf(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/exe" }

// unitOf is the unit that the process is the main one of.
func (u *Upgrade) unitOf(ctx context.Context, pid int) string {
	if u.Unit == "" {
		return ""
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return "" // sd_booted(3): there is no systemd
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", "show", "--property=MainPID", "--value", u.Unit).Output()
	if err != nil || strings.TrimSpace(string(out)) != strconv.Itoa(pid) {
		return ""
	}
	return u.Unit
}

// reload asks the server to go on with the binary that is in place now.
func (s *server) reload(ctx context.Context) error {
	if s.unit == "" {
		if err := syscall.Kill(s.pid, syscall.SIGHUP); err != nil {
			return fmt.Errorf("signal process %d: %w", s.pid, err)
		}
		return nil
	}
	// Without waiting for it: it is seen in the data folder what comes of it.
	out, err := exec.CommandContext(ctx, "systemctl", "reload", "--no-block", s.unit).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl reload %s: %w%s", s.unit, err, said(out))
	}
	return nil
}

// RefusedError says that the new binary could not start, and that the old one goes on.
type RefusedError struct{ Binary, Why string }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the new binary could not start: %s. The old one goes on, with the database as it was, and %s is tried again when it is touched; 'seaworthy upgrade --rollback' puts the old one back in place", e.Why, e.Binary)
}

// goOn has the server go on with the binary in place, and waits until it serves.
func (u *Upgrade) goOn(ctx context.Context, s *server) error {
	switch {
	case s == nil:
		u.say("      No server runs on %s: the next start is of the new binary.", u.Data)
		return nil
	case u.NoReload:
		u.say("      The server was not reloaded: 'kill -HUP %d', or a restart, has it go on with the new binary.", s.pid)
		return nil
	}
	want, err := handover.Identify(u.Binary)
	if err != nil {
		return err
	}
	if now, err := handover.Identify(exeOf(s.pid)); err == nil && now == want {
		u.say("ok    process %d runs it already", s.pid)
		return nil
	}
	u.step(StepReload)
	began := time.Now()
	if err := s.reload(ctx); err != nil {
		return fmt.Errorf("the new binary is in place, but the server could not be asked to go on with it: %w", err)
	}
	u.step(StepWait)
	if err := u.await(ctx, s, want); err != nil {
		return err
	}
	u.say("ok    process %d serves with it, after %s", s.pid, time.Since(began).Round(10*time.Millisecond))
	return nil
}

// await looks into the data folder, where a server notes what became of a start.
func (u *Upgrade) await(ctx context.Context, s *server, want handover.Identity) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	over := time.NewTimer(u.Wait)
	defer over.Stop()
	for {
		boot, err := handover.ReadBoot(u.Data)
		if err != nil {
			return err
		}
		switch {
		case boot.Served == want && boot.Attempt == nil:
			return nil
		case boot.Refused == want:
			return &RefusedError{u.Binary, boot.Why}
		}
		// A service manager starts it again, and that start sees what happened.
		if s.unit == "" && errors.Is(syscall.Kill(s.pid, 0), syscall.ESRCH) {
			return fmt.Errorf("the server (process %d) ended before it served with the new binary: look at its log and start it; it goes back to %s by itself if the new one cannot run here", s.pid, handover.Old(u.Binary))
		}
		select {
		case <-tick.C:
		case <-over.C:
			return fmt.Errorf("the server (process %d) does not serve with the new binary after %s: it may still finish what it runs, or migrate; look at its log", s.pid, u.Wait)
		case <-ctx.Done():
			return fmt.Errorf("the new binary is in place and the server was asked to go on with it; nobody waited until it did: %w", ctx.Err())
		}
	}
}
