package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"seaworthy/app/handover"
	"seaworthy/app/web"
)

// Serving is what Run tells once requests are answered.
type Serving struct {
	Addr  net.Addr
	URL   string
	Setup string // one-time link that makes the first operator; "" when there is one
}

// ErrReload is what Run returns when it has drained because Options.Reload said so: the
// database is closed, the sockets are open, and another process may go on.
var ErrReload = errors.New("another binary takes over")

// Run serves until ctx ends, then drains: no new requests, running requests and
// jobs finish within the grace, the replica gets the last commits, the database
// closes. It returns nil after a clean drain, ErrReload after one for a successor.
func (a *App) Run(ctx context.Context, started func(Serving)) (err error) {
	defer func() { err = errors.Join(err, a.Close()) }()
	began := time.Now()
	sockets := a.o.Sockets
	if sockets == nil {
		sockets = &handover.Sockets{}
		defer sockets.Close()
	}
	at, err := a.listen(sockets)
	if err != nil {
		return err
	}
	defer at.close()
	setup, err := a.start(ctx)
	if err != nil {
		return err
	}
	background, stopBackground := context.WithCancel(context.Background())
	owned := a.background(background)
	server := &http.Server{
		Handler: a.Web, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 60 * time.Second, WriteTimeout: 120 * time.Second,
		IdleTimeout: 120 * time.Second, MaxHeaderBytes: 64 << 10, ConnContext: web.WithConn,
	}
	if at.tls != nil {
		server.TLSConfig = at.tls.config
	}
	if at.plain != nil {
		owned.Go(func() { at.tls.servePlain(background, at.plain, a.log) })
	}
	entrance, failed := newDoor(at.http), make(chan error, 1)
	go func() { failed <- entrance.serve(server) }()
	a.tookOver(began)
	if started != nil {
		started(Serving{Addr: at.http.Addr(), URL: a.Config.URL, Setup: setup})
	}
	select {
	case <-ctx.Done():
	case <-a.o.Reload:
		err = ErrReload
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-a.DB.Failed():
		err = fmt.Errorf("nothing can be written any more and the process must be restarted: %w", a.DB.FailErr())
	}
	a.successor = errors.Is(err, ErrReload)
	// A service manager keeps its sockets open for whoever it starts next.
	a.keepDoor = a.successor || sockets.Shared()
	if !a.successor {
		sockets.Close()
	}
	err = errors.Join(err, a.drain(server, entrance))
	stopBackground()
	owned.Wait()
	a.laps.end("background")
	return err
}

// listening is where this process is reached.
type listening struct {
	http  net.Listener
	plain net.Listener // plain HTTP beside TLS; nil: there is none
	tls   *secured     // nil: there is none
}

func (l *listening) close() {
	l.http.Close()
	if l.plain != nil {
		l.plain.Close()
	}
}

func (a *App) listen(sockets *handover.Sockets) (*listening, error) {
	socket, err := sockets.Listen(handover.HTTP, a.Config.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	at := &listening{http: socket}
	if at.tls, err = a.secure(); err == nil && at.tls != nil && a.Config.Redirect != "off" {
		if at.plain, err = sockets.Listen(handover.Plain, a.Config.Redirect); err != nil {
			err = fmt.Errorf("listen for plain HTTP: %w", err)
		}
	}
	if err != nil {
		at.close()
		return nil, err
	}
	a.tls.Store(at.tls)
	return at, nil
}

// start does what comes before the first request, and returns the link that makes the first
// operator; "" when there is one.
func (a *App) start(ctx context.Context) (setup string, err error) {
	if err := a.StartReplica(ctx); err != nil {
		return "", err
	}
	if a.Simulator != nil {
		if err := a.KeepSimulator(ctx, nil); err != nil {
			return "", err
		}
	}
	if setup, err = a.Auth.SetupLink(ctx); err != nil {
		return "", err
	}
	if a.o.Begin != nil {
		if err := a.o.Begin(); err != nil {
			return "", err
		}
	}
	if err := a.Apply.Start(ctx, a.Config.Manifest()); err != nil {
		return "", err
	}
	return setup, a.Queue.Start(ctx)
}

// background starts what the systems do by themselves until ctx ends; whoever called waits for it.
func (a *App) background(ctx context.Context) *sync.WaitGroup {
	all := []func(context.Context){a.Auth.Run, a.Audit.Run, a.Outbox.Run, a.Replies.Run, a.Flags.Run, a.Email.Run, a.Proxy.Run, a.Observe.Run, a.Observe.Watch, a.Heartbeat.Run}
	if a.Simulator != nil {
		all = append(all, a.runSimulator)
	}
	var owned sync.WaitGroup
	for _, run := range all {
		owned.Go(func() { run(ctx) })
	}
	return &owned
}
