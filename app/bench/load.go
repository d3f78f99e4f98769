package bench

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// latencies are how long each act of a load took, in order, and the load itself.
type latencies struct {
	all  []time.Duration
	took time.Duration
}

// load has clients act one act after another for as long as said, and returns the first
// error of any, which ends it for all. Each gets its number, from 0. With a pace each
// begins an act that long after its last, however long it took.
func load(ctx context.Context, clients int, length time.Duration, act func(ctx context.Context, client int) error, pace ...time.Duration) (latencies, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	each := make([][]time.Duration, clients)
	var all sync.WaitGroup
	start := time.Now()
	for c := range clients {
		all.Go(func() {
			for time.Since(start) < length && ctx.Err() == nil {
				asked := time.Now()
				if err := act(ctx, c); err != nil {
					cancel(err)
					return
				}
				each[c] = append(each[c], time.Since(asked))
				for _, p := range pace {
					if rest(ctx, time.Until(asked.Add(p))) != nil {
						return
					}
				}
			}
		})
	}
	all.Wait()
	l := latencies{took: time.Since(start), all: slices.Concat(each...)}
	slices.Sort(l.all)
	if err := context.Cause(ctx); err != nil {
		return l, err
	}
	if len(l.all) == 0 {
		return l, errors.New("nothing was done in that time")
	}
	return l, nil
}

// perSecond is how many acts there were a second.
func (l latencies) perSecond() float64 { return float64(len(l.all)) / l.took.Seconds() }

// percentile is how long the act took that so many in a hundred were not slower than, in ms.
func (l latencies) percentile(n int) float64 {
	if len(l.all) == 0 {
		return 0
	}
	return float64(l.all[(len(l.all)-1)*n/100].Microseconds()) / 1000
}

func (l latencies) result(name string) Result {
	return Result{Name: name, PerSecond: l.perSecond(), P50: l.percentile(50), P99: l.percentile(99)}
}
