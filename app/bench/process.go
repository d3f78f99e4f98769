package bench

import (
	"context"
	"fmt"
	"os"
	"time"
)

// process is the file, how soon it serves an empty folder and one that it has served
// before, and what it occupies once nothing happens.
func process(ctx context.Context, o *Options, folder string) (results []Result, err error) {
	info, err := os.Stat(o.Binary)
	if err != nil {
		return nil, fmt.Errorf("look at the binary: %w", err)
	}
	results = append(results, megabytes("process: the binary", info.Size(), 40))
	first, err := start(ctx, o, folder)
	if err != nil {
		return results, err
	}
	results = append(results, Result{Name: "process: ready in an empty folder", Value: first.ready.Round(time.Millisecond).String()})
	if err := first.end(); err != nil {
		return results, err
	}
	again, err := start(ctx, o, folder)
	if err != nil {
		return results, err
	}
	results = append(results, Result{Name: "process: ready in a folder it knows", Value: again.ready.Round(time.Millisecond).String(), Bar: "<= 200 ms", Missed: again.ready > 200*time.Millisecond})
	select {
	case <-ctx.Done():
	case <-time.After(min(5*o.For, 5*time.Second)): // it is idle when what a start does is over
	}
	if used := again.memory(); used > 0 {
		results = append(results, megabytes("process: its memory, idle", used, 64))
	}
	return results, again.end()
}

func megabytes(name string, bytes int64, bar int) Result {
	mb := float64(bytes) / 1e6
	return Result{Name: name, Value: number(mb) + " MB", Bar: fmt.Sprintf("<= %d MB", bar), Missed: mb > float64(bar)}
}
