package observe

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestStackBeginsWhereItBroke(t *testing.T) {
	t.Parallel()
	stack := func() (text string) {
		defer func() {
			recover()
			text = string(debug.Stack())
		}()
		var p *Frame
		_ = p.Line
		return ""
	}()
	frames := parseStack(stack)
	if len(frames) < 2 || frames[0].Package != "seaworthy/app/observe" || !strings.HasSuffix(frames[0].File, "/stack_test.go") || frames[0].Line != 17 || !frames[0].Own {
		t.Errorf("the stack is %+v", frames)
	}
	for _, f := range frames {
		if strings.HasPrefix(f.File, "/") || f.Package == "testing" && f.Own {
			t.Errorf("frame %+v", f)
		}
	}
}

func TestGroupingHeedsCallsAndNotValues(t *testing.T) {
	t.Parallel()
	frames := func(names ...string) (all []Frame) {
		for i, n := range names {
			all = append(all, Frame{Function: n, Package: "seaworthy/x", Line: i, Own: true})
		}
		return all
	}
	same := func(a, b Event, want bool) {
		t.Helper()
		if got := hashOf(&a) == hashOf(&b); got != want {
			t.Errorf("%+v and %+v are one issue: %v, want %v", a, b, got, want)
		}
	}
	at := frames("x.a", "x.b")
	moved := frames("x.a", "x.b")
	moved[0].Line = 99
	same(Event{Kind: KindPanic, Message: "a", Frames: at}, Event{Kind: KindPanic, Message: "b", Frames: moved}, true)
	same(Event{Frames: at}, Event{Frames: frames("x.a", "x.c")}, false)
	same(Event{Frames: frames("x.a", "x.a", "x.a", "x.b")}, Event{Frames: at}, true) // recursion
	same(Event{Message: `row 7 of usr_01jc5m8q9w3e7r2t6y1u4i8o0p "x" 0xdeadbeef`}, Event{Message: `row 19 of usr_01jc5m8q9w3e7r2t6y1u4i8o0q "y" 0xdeadbee1`}, true)
	same(Event{Message: "one"}, Event{Message: "two"}, false)
	same(Event{Message: "one", Culprit: "GET /a"}, Event{Message: "one", Culprit: "GET /b"}, false)
}

func FuzzStack(f *testing.F) {
	f.Add(string(debug.Stack()))
	f.Add("goroutine 1 [running]:\na.b(\n\t:1\n")
	f.Fuzz(func(t *testing.T, text string) {
		frames := parseStack(text)
		if len(frames) > maxFrames {
			t.Errorf("%d frames", len(frames))
		}
		for _, fr := range frames {
			if fr.Line < 0 || len(fr.Function) > 210 || len(fr.File) > 320 {
				t.Errorf("frame %+v", fr)
			}
		}
	})
}
