package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// headlineRate is the number of requests a second under which the binary is replaced.
const headlineRate = 458

// swaps replaces the binary again and again while clients write at the headline's rate,
// half of them over connections that they keep: how many requests failed, and how much
// longer the longest of them took than most do.
func swaps(ctx context.Context, o *Options, folder string) ([]Result, error) {
	binary := filepath.Join(folder, "seaworthy")
	if err := place(o.Binary, binary); err != nil {
		return nil, err
	}
	own := *o
	own.Binary = binary
	c, err := start(ctx, &own, folder)
	if err != nil {
		return nil, err
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	secret, err := key(ctx, &own, folder, "audit:write")
	if err != nil {
		return nil, err
	}
	var said serves
	if c, err = startTelling(ctx, &own, folder, &said); err != nil {
		return nil, err
	}
	l, failed, err := c.underLoad(ctx, secret, func(ctx context.Context) error {
		for n := range o.Swaps {
			if err := place(o.Binary, binary); err != nil {
				return err
			}
			if err := c.cmd.Process.Signal(syscall.SIGHUP); err != nil {
				return fmt.Errorf("ask the process to make room: %w", err)
			}
			if err := said.until(ctx, n+2); err != nil {
				return err
			}
			if err := rest(ctx, time.Second); err != nil {
				return err
			}
		}
		return nil
	})
	if err = errors.Join(err, c.end()); err != nil {
		return nil, err
	}
	adds := l.percentile(100) - l.percentile(50)
	return []Result{
		{Name: fmt.Sprintf("upgrade: of %d requests, failed in %d swaps", len(l.all)+int(failed), o.Swaps), Value: fmt.Sprint(failed), Bar: "0", Missed: failed > 0},
		{Name: "upgrade: the longest request took longer by", Value: number(adds) + " ms", Bar: "<= 250 ms", Missed: adds > 250},
	}, nil
}

// underLoad has clients write at the headline's rate while something is done.
func (c *child) underLoad(ctx context.Context, secret string, do func(context.Context) error) (l latencies, failed int64, err error) {
	const clients = 16
	loaded, stop := context.WithCancel(ctx)
	fresh := &child{server: server{url: c.url, client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}}}
	var failures atomic.Int64
	done := make(chan latencies, 1)
	go func() {
		all, _ := load(loaded, clients, time.Hour, func(ctx context.Context, client int) error {
			by := c
			if client%2 == 0 {
				by = fresh
			}
			if _, err := by.record(secret); err != nil {
				failures.Add(1)
			}
			return nil
		}, time.Second*clients/headlineRate)
		done <- all
	}()
	err = do(ctx)
	stop()
	l = <-done
	return l, failures.Load(), err
}

// serves counts how often a process and its successors have said that they serve.
type serves struct {
	mu   sync.Mutex
	said int
}

// Write implements io.Writer.
func (s *serves) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said += bytes.Count(p, []byte(" serves http"))
	return len(p), nil
}

// until waits until it was said so often.
func (s *serves) until(ctx context.Context, times int) error {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		s.mu.Lock()
		said := s.said
		s.mu.Unlock()
		if said >= times {
			return nil
		}
		if err := rest(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("the next binary did not serve within a minute")
}

// rest waits, or returns why it may not.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// place puts a copy of a binary at a path, by a rename as an upgrade does.
func place(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("read the binary: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return fmt.Errorf("copy the binary: %w", err)
	}
	if _, err = io.Copy(out, in); err != nil {
		out.Close()
		return fmt.Errorf("copy the binary: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("copy the binary: %w", err)
	}
	return os.Rename(to+".new", to)
}
