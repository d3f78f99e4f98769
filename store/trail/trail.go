// Package trail notes where an error came from: the calls that led there, as program
// counters, which cost a microsecond on a path that fails and nothing on one that does not.
// They are named only when somebody looks.
package trail

import (
	"context"
	"errors"
	"reflect"
	"runtime"
)

// deepest bounds how many calls are noted.
const deepest = 48

// Error is an error with the calls that led to it. Its text is that of what it wraps.
type Error struct {
	err   error
	calls []uintptr
	outer bool // of who waited for another goroutine, in which the rest happened
}

func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the error as it came.
func (e *Error) Unwrap() error { return e.err }

// Expected is implemented by errors that are answers and no faults, such as one for bad
// input: nobody asks for the calls that led to them.
type Expected interface{ Expected() bool }

// Mark notes the calls that led to its caller, unless an error inside has its own, or is no
// fault: those are returned as they are, nil too.
func Mark(err error) error {
	if !fault(err) || marked(err) {
		return err
	}
	return &Error{err: err, calls: callers()}
}

// Follow is Mark for who waited for another goroutine to do the work: his calls stand behind
// those that were noted there.
func Follow(err error) error {
	var e *Error
	if !fault(err) || errors.As(err, &e) && e.outer {
		return err
	}
	return &Error{err: err, calls: callers(), outer: true}
}

// From notes the function that an error came out of, where nobody noted calls: it was made there, and no
// statement or call has seen it.
func From(err error, function any) error {
	if !fault(err) || marked(err) {
		return err
	}
	return &Error{err: err, calls: []uintptr{reflect.ValueOf(function).Pointer()}}
}

func fault(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var e Expected
	return !errors.As(err, &e) || !e.Expected()
}

func marked(err error) bool {
	var e *Error
	return errors.As(err, &e)
}

func callers() []uintptr {
	var pcs [deepest]uintptr
	n := runtime.Callers(3, pcs[:])
	return append([]uintptr(nil), pcs[:n]...)
}

// Here are the calls that led to its caller, for what has no error to hang them on.
func Here() []uintptr { return callers() }

// Of are the calls that led to an error, the innermost first; nil where nobody noted any.
// Each part is of one goroutine; the later one waited for the one before.
func Of(err error) (parts [][]uintptr) {
	for e := (*Error)(nil); errors.As(err, &e); err = e.err {
		parts = append([][]uintptr{e.calls}, parts...)
	}
	return parts
}
