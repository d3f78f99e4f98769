package replica

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// callTimeout is how long one exchange with the replica may stay silent.
const callTimeout = 10 * time.Second

// root is the top of a replica: the place of current.json and of the epochs.
// Litestream's clients see one epoch only.
type root interface {
	// get returns an object and the tag of this version of it; fs.ErrNotExist
	// when there is none.
	get(ctx context.Context, name string) (data []byte, tag string, err error)
	// put replaces the version with the tag, or creates the object when tag is
	// ""; errChanged when something else is there.
	put(ctx context.Context, name string, data []byte, tag string) error
	// list returns the names of the objects and folders at the root.
	list(ctx context.Context) ([]string, error)
	close()
}

// version is an object as a call found it. Calls that may be given up return it whole: what
// they wrote into variables of who no longer waits would be read half-written.
type version struct {
	data []byte
	tag  string
}

// errChanged says that another process changed current.json meanwhile.
var errChanged = errors.New("changed by another process meanwhile")

// UnreachableError says that the replica could not be asked. It proves nothing
// about what the replica holds; trying again later is the right answer.
type UnreachableError struct {
	Location string
	Err      error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("the replica at %s cannot be reached: %v", e.Location, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// DamagedError says that the replica answered, and that its current.json names no epoch. It
// needs a person: asked again it says the same.
type DamagedError struct{ Location string }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s of the replica at %s is damaged, it names no epoch: restore one of its epochs by name, or move that file away, "+
		"and whoever has the database begins another epoch", currentName, e.Location)
}

// unreachable is the error for a replica that did not say what it was asked.
func unreachable(location string, err error) error {
	if errors.Is(err, errDamaged) {
		return &DamagedError{location}
	}
	return &UnreachableError{location, err}
}

// openRoot returns the root of the replica; it does not connect yet. A call to
// it takes patience at most.
func openRoot(rep Replica, patience time.Duration) root {
	switch rep.Type {
	case "s3":
		return newS3Root(rep, patience)
	case "sftp":
		return &sftpRoot{rep: rep, patience: patience}
	}
	return fileRoot{rep.Path, patience}
}

// within runs a call that may not know how to stop, for patience at most.
func within[T any](ctx context.Context, patience time.Duration, what string, fn func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSilent)
	defer cancel()
	return await(ctx, nil, what, nil, fn)
}

// errSilent is the cause of a call given up because nothing moved any more.
var errSilent = errors.New("it does not answer")

// await returns when fn does or ctx ends, whichever comes first. running, if
// given, counts fn for as long as it really runs; late, if given, receives a
// result that came when nobody waited any more.
func await[T any](ctx context.Context, running *sync.WaitGroup, what string, late func(T), fn func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result)
	left := make(chan struct{})
	if running != nil {
		running.Add(1)
	}
	go func() {
		if running != nil {
			defer running.Done()
		}
		v, err := guard(func() (T, error) { return fn(ctx) })
		select {
		case done <- result{v, err}:
		case <-left:
			if err == nil && late != nil {
				late(v)
			}
		}
	}()
	select {
	case r := <-done:
		if r.err != nil && ctx.Err() != nil {
			return r.value, fmt.Errorf("%s: %w (%v)", what, context.Cause(ctx), r.err)
		}
		return r.value, r.err
	case <-ctx.Done():
	}
	// A call that heeds its context ends in a moment; then nothing is left running.
	grace := time.NewTimer(200 * time.Millisecond)
	defer grace.Stop()
	var zero T
	select {
	case r := <-done:
		if r.err == nil {
			return r.value, nil
		}
		return zero, fmt.Errorf("%s: %w (%v)", what, context.Cause(ctx), r.err)
	case <-grace.C:
		close(left)
		return zero, fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
}

// guard turns a panic of Litestream, which asserts, into an error of the call.
func guard[T any](fn func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}
