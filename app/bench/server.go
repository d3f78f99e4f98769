package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"seaworthy/app"
	"seaworthy/app/config"
)

// server is the whole app, as it serves in earnest: real clock, workers, log,
// telemetry, Litestream to a folder. Only the limits that keep people from asking so
// often are off.
type server struct {
	app     *app.App
	url     string
	client  *http.Client
	stop    context.CancelFunc
	stopped chan error
}

// option sets what a measurement needs set.
type option func(*config.Config, *app.Options)

// serve starts the app in a folder.
func serve(ctx context.Context, folder string, set ...option) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(func(name string) (string, bool) {
		value, ok := map[string]string{"SEAWORTHY_DATA": filepath.Join(folder, "data"), "SEAWORTHY_ADDR": addr, "SEAWORTHY_BRAND": "Bench",
			"SEAWORTHY_INBOX_SMTP": "off", "SEAWORTHY_RATE_LIMITS": "off"}[name]
		return value, ok
	})
	if err != nil {
		return nil, fmt.Errorf("configure: %w", err)
	}
	o := app.Options{Log: slog.New(slog.NewJSONHandler(io.Discard, nil))}
	for _, s := range set {
		s(&cfg, &o)
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure: %w", err)
	}
	a, err := app.New(ctx, cfg, o)
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	s := &server{app: a, url: cfg.URL, stopped: make(chan error, 1), client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	started := make(chan struct{})
	go func() { s.stopped <- a.Run(running, func(app.Serving) { close(started) }) }()
	select {
	case <-started:
		return s, nil
	case err := <-s.stopped:
		stop()
		return nil, fmt.Errorf("start: %w", err)
	}
}

// close drains the app.
func (s *server) close() error {
	s.client.CloseIdleConnections()
	s.stop()
	if err := <-s.stopped; err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}

// send makes a request and reads its answer, which must have the status.
func (s *server) send(r *http.Request, status int) ([]byte, error) {
	res, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != status {
		return nil, fmt.Errorf("%s %s answered %s: %.200s", r.Method, r.URL.Path, res.Status, body)
	}
	return body, nil
}

// freeAddr is an address of this machine's that nobody listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
