package trail

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

type refusal struct{}

func (refusal) Error() string  { return "no" }
func (refusal) Expected() bool { return true }

func fails() error { return Mark(errors.New("broken")) }

func names(part []uintptr) (all []string) {
	for frames := runtime.CallersFrames(part); ; {
		f, more := frames.Next()
		all = append(all, f.Function[strings.LastIndexByte(f.Function, '.')+1:])
		if !more {
			return all
		}
	}
}

// The innermost mark stands, whatever is wrapped around it.
func TestTheFirstMarkStands(t *testing.T) {
	t.Parallel()
	err := Mark(fmt.Errorf("while trying: %w", fails()))
	parts := Of(err)
	if err.Error() != "while trying: broken" || len(parts) != 1 {
		t.Fatalf("%v with %d parts", err, len(parts))
	}
	if got := names(parts[0]); got[0] != "fails" || got[1] != "TestTheFirstMarkStands" {
		t.Errorf("the calls are %v", got)
	}
}

// The function that made an error is noted where there is nothing better.
func TestWhoMadeItIsNoted(t *testing.T) {
	t.Parallel()
	if got := names(Of(From(errors.New("broken"), fails))[0]); len(got) != 1 || got[0] != "fails" {
		t.Errorf("the calls are %v", got)
	}
	if err := fails(); From(err, names) != err {
		t.Error("what was noted before does not stand")
	}
	if err := error(refusal{}); From(err, names) != err || From(nil, names) != nil {
		t.Error("what is no fault is noted")
	}
}

// What happened on another goroutine comes first, then who waited for it.
func TestWhoWaitedStandsBehind(t *testing.T) {
	t.Parallel()
	done := make(chan error)
	go func() { done <- fails() }()
	parts := Of(Follow(<-done))
	if len(parts) != 2 {
		t.Fatalf("%d parts", len(parts))
	}
	if names(parts[0])[0] != "fails" || names(parts[1])[0] != "TestWhoWaitedStandsBehind" {
		t.Errorf("the calls are %v, then %v", names(parts[0]), names(parts[1]))
	}
}

// Answers are no faults, and are not wrapped: who compares them finds them.
func TestWhatIsNoFaultIsNotMarked(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, refusal{}, context.Canceled} {
		if Mark(err) != err || Follow(err) != err {
			t.Errorf("%v is marked", err)
		}
	}
	if Of(errors.New("bare")) != nil {
		t.Error("a bare error has calls")
	}
}

func BenchmarkMark(b *testing.B) {
	err := errors.New("broken")
	b.ReportAllocs()
	for b.Loop() {
		_ = Mark(err)
	}
}
