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
	sockets := a.o.Sockets
	if sockets == nil {
		sockets = &handover.Sockets{}
		defer sockets.Close()
	}
	listener, err := sockets.Listen(handover.HTTP, a.Config.Addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer listener.Close()
	entrance := newDoor(listener)
	tls, err := a.secure()
	if err != nil {
		return err
	}
	a.tls.Store(tls)
	var plain net.Listener
	if tls != nil && a.Config.Redirect != "off" {
		if plain, err = sockets.Listen(handover.Plain, a.Config.Redirect); err != nil {
			return fmt.Errorf("listen for plain HTTP: %w", err)
		}
		defer plain.Close()
	}
	if err := a.StartReplica(ctx); err != nil {
		return err
	}
	if a.Simulator != nil {
		if err := a.KeepSimulator(ctx, nil); err != nil {
			return err
		}
	}
	setup, err := a.Auth.SetupLink(ctx)
	if err != nil {
		return err
	}
	if a.o.Begin != nil {
		if err := a.o.Begin(); err != nil {
			return err
		}
	}
	if err := a.Queue.Start(ctx); err != nil {
		return err
	}
	var owned sync.WaitGroup
	background, stopBackground := context.WithCancel(context.Background())
	owned.Go(func() { a.Auth.Run(background) })
	owned.Go(func() { a.Audit.Run(background) })
	owned.Go(func() { a.Outbox.Run(background) })
	owned.Go(func() { a.Replies.Run(background) })
	owned.Go(func() { a.Flags.Run(background) })
	owned.Go(func() { a.Email.Run(background) })
	owned.Go(func() { a.Proxy.Run(background) })
	owned.Go(func() { a.Observe.Run(background) })
	owned.Go(func() { a.Observe.Watch(background) })
	owned.Go(func() { a.Heartbeat.Run(background) })
	if a.Simulator != nil {
		owned.Go(func() { a.runSimulator(background) })
	}

	server := &http.Server{
		Handler: a.sayGoodbye(a.Web), ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 60 * time.Second, WriteTimeout: 120 * time.Second,
		IdleTimeout: 120 * time.Second, MaxHeaderBytes: 64 << 10, ConnContext: web.WithConn,
	}
	if tls != nil {
		server.TLSConfig = tls.config
	}
	if plain != nil {
		owned.Go(func() { tls.servePlain(background, plain, a.log) })
	}
	failed := make(chan error, 1)
	go func() { failed <- entrance.serve(server) }()
	if started != nil {
		started(Serving{Addr: listener.Addr(), URL: a.Config.URL, Setup: setup})
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
	return err
}
