package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

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
	case <-time.After(goodbye): // who has an answer of before comes again, and is told
	case <-grace.Done():
	}
	entrance.dismiss(grace)
	a.laps.end("goodbye")
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
	entrance.dismiss(grace)
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
