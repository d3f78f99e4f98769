// Package app is the whole: it builds every system in one visible order and
// serves them as one http.Handler. main is a thin command line over it, and a Go
// program of your own can import it, add routes and jobs, and is again one
// binary.
package app

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"seaworthy/app/apply"
	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/auth/standin"
	"seaworthy/app/billing"
	"seaworthy/app/billing/stripesim"
	"seaworthy/app/config"
	"seaworthy/app/email"
	"seaworthy/app/flags"
	"seaworthy/app/jobs"
	"seaworthy/app/observe"
	"seaworthy/app/ops"
	"seaworthy/app/outbox"
	"seaworthy/app/proxy"
	"seaworthy/app/seal"
	"seaworthy/app/sms"
	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
	"seaworthy/store/replica"
)

// App is one running installation.
type App struct {
	Config    config.Config
	DB        *store.DB
	Queue     *queue.Queue
	Audit     *audit.System
	Auth      *auth.System
	Email     *email.System
	Outbox    *outbox.System
	SMS       *sms.System // nil: no texts are sent
	Jobs      *jobs.System
	Web       *web.Server
	Replies   *web.Replies // answers for those who repeat a request
	Pages     *web.Pages
	Flags     *flags.System
	Proxy     *proxy.System
	Observe   *observe.System // log, errors, figures, traces, alerts
	Heartbeat *observe.Heartbeat
	Backups   *ops.System
	Billing   *billing.System
	Apply     *apply.System // seaworthy.yml

	StandIn *standin.Provider // identity provider of made-up people; nil without one

	Simulator *stripesim.Sim // offline Stripe; nil in production

	o         Options
	log       *slog.Logger
	replica   *replica.Driver // nil: replication is off
	replicas  replica.Config
	restored  bool // the database came from the replica at this start
	keys      *seal.Keys
	metrics   *metrics
	probe     probe
	openAPI   description
	clock     ops.Timepiece // compares ours with that of services that are called
	draining  atomic.Bool
	stopping  chan struct{} // closed when draining begins
	born      time.Time     // when New began
	laps      *laps         // of a handover; nil otherwise
	successor bool          // another process goes on with our sockets and our replica
	keepDoor  bool          // the listening socket outlives this process
	tls       atomic.Pointer[secured]
}

// New opens the data folder, restoring or creating the database as the boot
// table says, migrates it, and builds the systems. It starts nothing; see Run.
func New(ctx context.Context, cfg config.Config, o Options) (_ *App, err error) {
	born := time.Now()
	if o.Log == nil {
		if o.Log, err = newLog(cfg); err != nil {
			return nil, err
		}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Hasher == nil {
		o.Hasher = auth.NewHasher(0)
	}
	if o.Hash != nil {
		o.Hasher.UseProcesses(o.Hash, func(err error) {
			o.Log.Warn("passwords are hashed in the server's own process from now on: a flood of sign-ins will slow others down", "err", err)
		})
	}
	seen := observe.New(telemetry(cfg, o))
	o.Log = slog.New(seen.Handler(o.Log.Handler()))
	a := &App{Config: cfg, o: o, log: o.Log, Observe: seen, stopping: make(chan struct{}), born: born}
	files, steps, err := o.Own.open()
	if err == nil {
		err = a.openStore(ctx, steps)
	}
	if err == nil {
		err = a.build(ctx, files)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// within is what handlers find in their context: whom to ask for flags, and what the
// plan gives.
func (a *App) within(ctx context.Context) context.Context {
	return a.Billing.Into(a.Flags.Into(a.Observe.Begin(ctx)))
}

// Close releases the database. Run closes on its own.
func (a *App) Close() error {
	steps := a.laps
	if steps == nil {
		steps = newLaps()
	}
	a.o.Hasher.Close()
	steps.end("hasher")
	err := a.Observe.Close()
	steps.end("telemetry")
	if a.DB == nil {
		return err
	}
	if a.replica != nil {
		err = errors.Join(err, a.closeReplica())
		steps.end("last_sync")
	}
	err = errors.Join(err, a.DB.Close())
	steps.end("database")
	if a.successor {
		a.log.Info("gives way", steps.attrs()...)
	}
	return err
}
