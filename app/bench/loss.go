package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// loss has clients write, kills the process, and asks the next one for all that was
// acknowledged; the last time the database is taken away as well, as with a machine that
// is gone, and comes back from the replica.
func loss(ctx context.Context, o *Options, folder string) ([]Result, error) {
	c, err := start(ctx, o, folder) // makes the folder
	if err != nil {
		return nil, err
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	secret, err := key(ctx, o, folder, "audit:write", "audit:read")
	if err != nil {
		return nil, err
	}
	var l ledger
	lost := 0
	for range o.Kills {
		if _, err := l.killed(ctx, o, folder, secret); err != nil {
			return nil, err
		}
		missing, err := l.missing(ctx, o, folder, secret)
		if err != nil {
			return nil, err
		}
		lost += len(missing)
	}
	results := []Result{{Name: fmt.Sprintf("loss: of %d acknowledged, killed %d times", len(l.all), o.Kills), Value: fmt.Sprint(lost), Bar: "0", Missed: lost > 0}}
	at, err := l.killed(ctx, o, folder, secret)
	if err != nil {
		return results, err
	}
	if err := takeAway(filepath.Join(folder, "data")); err != nil {
		return results, err
	}
	missing, err := l.missing(ctx, o, folder, secret)
	if err != nil {
		return results, err
	}
	oldest := time.Duration(0)
	for _, a := range missing {
		oldest = max(oldest, at.Sub(a.at))
	}
	return append(results, Result{Name: "loss: the machine gone, back from the replica: the last", Value: fmt.Sprintf("%d ms", oldest.Milliseconds()), Bar: "<= 1000 ms", Missed: oldest > time.Second}), nil
}

// acknowledged is a write that the server said is stored.
type acknowledged struct {
	id string
	at time.Time
}

// ledger is all that was acknowledged.
type ledger struct {
	mu  sync.Mutex
	all []acknowledged
}

// killed has clients write for a while, and kills the process under them.
func (l *ledger) killed(ctx context.Context, o *Options, folder, secret string) (at time.Time, err error) {
	c, err := start(ctx, o, folder)
	if err != nil {
		return at, err
	}
	var clients sync.WaitGroup
	dies, die := context.WithCancel(ctx)
	failed := make(chan error, 8)
	for range 8 {
		clients.Go(func() {
			for {
				id, err := c.record(secret)
				if dies.Err() != nil {
					return // what was under way may or may not be there
				}
				if err != nil {
					failed <- fmt.Errorf("hand in an event: %w", err)
					return
				}
				l.mu.Lock()
				l.all = append(l.all, acknowledged{id, time.Now()})
				l.mu.Unlock()
			}
		})
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
	case <-time.After(min(o.For, 2*time.Second)):
	}
	at = time.Now()
	die()
	c.kill()
	clients.Wait()
	return at, errors.Join(err, context.Cause(ctx))
}

// missing asks the next process for all that was acknowledged, keeps in the ledger what
// is there, and returns the rest.
func (l *ledger) missing(ctx context.Context, o *Options, folder, secret string) (missing []acknowledged, err error) {
	c, err := start(ctx, o, folder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	for _, a := range l.all {
		r, err := http.NewRequestWithContext(ctx, "GET", c.url+"/-/api/v1/audit/events/"+a.id, nil)
		if err != nil {
			return nil, err
		}
		bearer(secret)(r)
		res, err := c.client.Do(r)
		if err != nil {
			return nil, err
		}
		res.Body.Close()
		switch res.StatusCode {
		case http.StatusOK:
		case http.StatusNotFound:
			missing = append(missing, a)
		default:
			return nil, fmt.Errorf("ask for an event: %s", res.Status)
		}
	}
	l.all = slices.DeleteFunc(l.all, func(a acknowledged) bool { return slices.Contains(missing, a) })
	return missing, nil
}

// takeAway removes the database and all that belongs to it, but for keys and replica.
func takeAway(data string) error {
	for _, pattern := range []string{"seaworthy.db*", ".seaworthy.db*"} {
		found, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("take the database away: %w", err)
			}
		}
	}
	return nil
}
