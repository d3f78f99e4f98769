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

	"seaworthy/app/web"
)

// Serving is what Run tells once requests are answered.
type Serving struct {
	Addr  net.Addr
	URL   string
	Setup string // one-time link that makes the first operator; "" when there is one
}

// Run serves until ctx ends, then drains: no new requests, running requests and
// jobs finish within the grace, the replica gets the last commits, the database
// closes. It returns nil after a clean drain.
func (a *App) Run(ctx context.Context, started func(Serving)) (err error) {
	defer func() { err = errors.Join(err, a.Close()) }()
	listener, err := net.Listen("tcp", a.Config.Addr)
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
		if plain, err = net.Listen("tcp", a.Config.Redirect); err != nil {
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
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-a.DB.Failed():
		err = fmt.Errorf("nothing can be written any more and the process must be restarted: %w", a.DB.FailErr())
	}
	a.log.Info("draining", "grace", a.Config.Grace.String())
	grace, cancel := context.WithTimeout(context.Background(), a.Config.Grace)
	defer cancel()
	a.draining.Store(true)
	close(a.stopping)
	select {
	case <-time.After(goodbye):
	case <-grace.Done():
	}
	server.SetKeepAlivesEnabled(false)
	entrance.shut(grace)
	if stop := server.Shutdown(grace); stop != nil {
		server.Close()
		err = errors.Join(err, fmt.Errorf("requests did not finish in time: %w", stop))
	}
	if stop := a.Queue.Stop(grace); stop != nil {
		a.log.Warn("jobs were interrupted", "err", stop)
	}
	stopBackground()
	owned.Wait()
	return err
}

// goodbye is how long requests are still answered while the answers close their
// connections: a client that is about to reuse an idle one would otherwise find
// it closed under its request (spec/storage.md section 4).
const goodbye = 300 * time.Millisecond

func (a *App) sayGoodbye(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
