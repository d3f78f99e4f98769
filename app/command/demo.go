package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"seaworthy/app"
	"seaworthy/app/config"
)

type demoCmd struct {
	Data string `help:"Folder for the demonstration; it must not have a database." default:"demo"`
	Addr string `help:"Address to listen on." default:"127.0.0.1:8080"`
	Only bool   `help:"Fill the folder and stop. 'seaworthy serve --data demo' serves it."`

	Users   int  `help:"So many more users, with their sessions, orgs, events, jobs and mails, to see how the console does with many." default:"0"`
	Measure bool `help:"Then open every page of the console and print how long the server took for it. With --only, also of a demonstration that was made before."`
}

// mostUsers bounds a demonstration: it is made in minutes, and its file stays small.
const mostUsers = 1_000_000

// Who signs in to the demonstration.
const (
	demoOperator = "olive@harbour.example"
	demoPassword = "a calm sea never made a sailor"
)

func (c *demoCmd) Run(ctx context.Context, v release) error {
	_, missing := os.Stat(filepath.Join(c.Data, "seaworthy.db"))
	made := !errors.Is(missing, fs.ErrNotExist)
	if made && c.Measure && c.Only {
		cfg, err := c.config()
		if err != nil {
			return err
		}
		return measureDemo(ctx, v, cfg, os.Stdout)
	}
	if made {
		return fmt.Errorf("%s has a database already. A demonstration is made in a fresh folder: give another with --data, or serve that one", c.Data)
	}
	if c.Users < 0 || c.Users > mostUsers {
		return fmt.Errorf("--users is from 0 to %d", mostUsers)
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "Ten weeks of a small company are made up. This takes a moment.")
	if err := fill(ctx, v, cfg, c.Users); err != nil {
		return fmt.Errorf("make the demonstration: %w", err)
	}
	if c.Measure {
		if err := measureDemo(ctx, v, cfg, os.Stdout); err != nil {
			return fmt.Errorf("measure the console: %w", err)
		}
	}
	fmt.Printf("Sign in as the operator %s with the password\n  %s\n", demoOperator, demoPassword)
	if c.Only {
		return nil
	}
	return (&serveCmd{Config: cfg}).Run(ctx, v)
}

// config is that of development, with nothing of this machine's environment in it.
func (c *demoCmd) config() (config.Config, error) {
	return config.Load(func(name string) (string, bool) {
		value, ok := map[string]string{"SEAWORTHY_DATA": c.Data, "SEAWORTHY_ADDR": c.Addr, "SEAWORTHY_BRAND": "Harbourlight", "SEAWORTHY_INBOX_SMTP": "off"}[name]
		return value, ok
	})
}

// pastClock is the time in the demonstration while it is made: it starts weeks ago and is
// moved on to today.
type pastClock struct{ ns atomic.Int64 }

func (c *pastClock) Now() time.Time      { return time.Unix(0, c.ns.Load()).UTC() }
func (c *pastClock) on(by time.Duration) { c.ns.Add(int64(by)) }
func (c *pastClock) at(t time.Time)      { c.ns.Store(t.UnixNano()) }

// demoDays is how long ago the company began.
const demoDays = 72

// fill lets ten weeks pass in a fresh folder. All that happens comes by the API and the pages, as it
// would in life, and each job runs at its time.
func fill(ctx context.Context, v release, cfg config.Config, users int) (err error) {
	clock, begun := &pastClock{}, time.Now().AddDate(0, 0, -demoDays)
	clock.at(begun)
	cfg.Replica, cfg.RateLimits = "off", "off"
	a, err := app.New(ctx, cfg, app.Options{Version: v.String(), Clock: clock.Now, Log: slog.New(slog.DiscardHandler), Own: v.Own, Extend: v.Extend})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Simulator.Close(), a.Close()) }()
	if err := a.KeepSimulator(ctx, func(ctx context.Context) error {
		_, err := a.Queue.Drain(ctx)
		return err
	}); err != nil {
		return err
	}
	boat, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	served := make(chan struct{})
	server := &http.Server{Handler: harbourlight(), ReadHeaderTimeout: time.Second}
	go func() { defer close(served); server.Serve(boat) }()
	defer func() { server.Close(); <-served }()
	w := &world{ctx: ctx, a: a, clock: clock, url: cfg.URL, jobs: "http://" + boat.Addr().String() + "/jobs"}
	if err := w.begin(); err != nil {
		return err
	}
	for w.day = 0; w.day < demoDays; w.day++ {
		if err := w.live(); err != nil {
			return fmt.Errorf("day %d: %w", w.day, err)
		}
		if err := w.crowd(users*w.day/demoDays, users*(w.day+1)/demoDays); err != nil {
			return fmt.Errorf("the many of day %d: %w", w.day, err)
		}
		clock.at(begun.AddDate(0, 0, w.day+1)) // whatever minutes the day's acts took
		if err := w.settle(); err != nil {
			return fmt.Errorf("night after day %d: %w", w.day, err)
		}
	}
	return w.settle()
}

// harbourlight is the app that jobs go to while the weeks pass: one in eleven it cannot do.
func harbourlight() http.Handler {
	var n atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%11 == 0 {
			http.Error(w, "the chart of this vessel is locked", http.StatusInternalServerError)
		}
	})
}
