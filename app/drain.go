package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

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

// drain ends the serving: requests and jobs finish within the grace. Before a successor
// nobody who connects may be refused, and none should wait for long: jobs and slow
// requests are waited for while others are still let in.
func (a *App) drain(server *http.Server, entrance *door) (err error) {
	a.log.Info("draining", "grace", a.Config.Grace.String(), "successor", a.successor)
	grace, cancel := context.WithTimeout(context.Background(), a.Config.Grace)
	defer cancel()
	a.laps = newLaps()
	if a.successor {
		a.stopJobs(grace)
		a.laps.end("jobs")
	}
	a.draining.Store(true)
	close(a.stopping)
	select {
	case <-time.After(goodbye):
	case <-grace.Done():
	}
	a.laps.end("goodbye")
	server.SetKeepAlivesEnabled(false)
	if a.successor {
		entrance.settle(grace)
		a.laps.end("settle")
		if a.o.Sockets != nil {
			a.o.Sockets.Shut()
		}
	}
	if a.keepDoor {
		entrance.leave(grace)
	} else {
		entrance.shut(grace)
	}
	a.laps.end("shut_door")
	if stop := server.Shutdown(grace); stop != nil {
		server.Close()
		stop = fmt.Errorf("requests did not finish in time: %w", stop)
		a.log.Warn("requests were cut off", "err", stop)
		if !a.successor {
			err = errors.Join(err, stop)
		}
	}
	a.laps.end("shutdown")
	if !a.successor {
		a.stopJobs(grace)
	}
	return err
}

func (a *App) stopJobs(grace context.Context) {
	if stop := a.Queue.Stop(grace); stop != nil {
		a.log.Warn("jobs were interrupted", "err", stop)
	}
}
