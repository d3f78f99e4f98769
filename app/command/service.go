package command

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"seaworthy/app/handover"
)

// service is what stands between a server and whoever runs it: its sockets, the service
// manager, and the signal that asks it to make room for the binary on the disk.
type service struct {
	binary  string // where this program was started from
	sockets *handover.Sockets
	manager handover.Manager
	reload  chan struct{}

	serving atomic.Pointer[func(context.Context) error] // asks whether it is alive; nil before it serves
	done    chan struct{}
	owned   sync.WaitGroup
}

func newService(ctx context.Context, data string, v release) (*service, error) {
	s := &service{manager: handover.FindManager(), reload: make(chan struct{}), done: make(chan struct{})}
	var err error
	if s.binary, err = handover.Binary(); err != nil {
		return nil, err
	}
	if s.sockets, err = handover.Inherit(); err != nil {
		return nil, err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	terminal := hasTerminal()
	s.owned.Go(func() {
		defer signal.Stop(hup)
		s.awaitReload(ctx, hup, terminal)
	})
	s.owned.Go(func() { s.manager.Beat(s.done, s.alive, func() bool { return s.serving.Load() == nil }) })
	return s, nil
}

// end waits for what belongs to the service.
func (s *service) end() {
	close(s.done)
	s.owned.Wait()
}

// serves is called once requests are answered.
func (s *service) serves(alive func(context.Context) error, status string) {
	s.serving.Store(&alive)
	s.manager.Ready(status)
}

// alive is what the watchdog of the service manager depends on. A start is alive for as
// long as it runs: a migration may take its time.
func (s *service) alive() error {
	ask := s.serving.Load()
	if ask == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return (*ask)(ctx)
}

// awaitReload waits for SIGHUP. A file that this machine cannot run changes nothing.
func (s *service) awaitReload(ctx context.Context, hup <-chan os.Signal, terminal bool) {
	for {
		select {
		case <-hup:
		case <-ctx.Done():
			s.manager.Stopping()
			return
		case <-s.done:
			return
		}
		if terminal && !hasTerminal() {
			// The window was closed: nobody asked for anything to go on.
			syscall.Kill(os.Getpid(), syscall.SIGTERM)
			continue
		}
		if err := s.tryBinary(ctx); err != nil {
			fmt.Fprintf(os.Stderr, "seaworthy: asked to make room for %s, but %v; nothing was changed\n", s.binary, err)
			s.manager.Status("serves; the binary on the disk cannot be run")
			continue
		}
		s.kept(keepRunning(s.binary))
		s.manager.Reloading()
		close(s.reload)
		return
	}
}

// kept says when the binary that runs could not be kept.
func (s *service) kept(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "seaworthy: the binary that runs could not be kept as %s, so there is no way back by itself: %v\n", handover.Old(s.binary), err)
	}
}

// tryBinary runs the file that would take our place, as far as its version.
func (s *service) tryBinary(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, s.binary, "version").CombinedOutput(); err != nil {
		return fmt.Errorf("it cannot be run: %w: %.200s", err, out)
	}
	return nil
}

// exec puts the binary in this process's place, with the same command line.
func (s *service) exec(binary string) error {
	return s.sockets.Exec(binary, append([]string{s.binary}, os.Args[1:]...), os.Environ())
}

// hasTerminal reports whether the process belongs to a terminal that is there.
func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	return f.Close() == nil
}
