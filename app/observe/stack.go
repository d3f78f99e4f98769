package observe

import (
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
)

// Frame is one call of a stack.
type Frame struct {
	Function string `json:"function"` // without the path of its package's folder
	Package  string `json:"package"`
	File     string `json:"file"` // its name below the package, whatever machine built it
	Line     int    `json:"line"`
	Own      bool   `json:"in_app"` // of this program, neither of Go nor of a library

	Column int          `json:"column,omitempty"`
	Source []SourceLine `json:"source,omitempty"` // around the call, where a program sent it
}

// SourceLine is a line of source near a call.
type SourceLine struct {
	N    int    `json:"line"`
	Text string `json:"text"`
	Here bool   `json:"here,omitempty"` // the line of the call
}

// maxFrames bounds a stack: what recursion made is cut at the outer end.
const maxFrames = 64

// module is the path of the program that was built, which may embed this one.
var module = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Path
	}
	return ""
})

// parseStack reads the text that runtime/debug.Stack makes, of the goroutine that
// panicked, from the call that panicked outwards. What it does not understand it leaves out.
func parseStack(text string) []Frame {
	var all []Frame
	lines := strings.Split(text, "\n")
	for i := 0; i+1 < len(lines); i++ {
		place, ok := strings.CutPrefix(lines[i+1], "\t")
		if !ok || strings.HasPrefix(lines[i], "\t") {
			continue
		}
		if strings.HasPrefix(lines[i], "created by ") {
			break
		}
		call := lines[i]
		if strings.HasPrefix(call, "panic(") { // what came before is how the panic was handled
			all = all[:0]
			continue
		}
		if f, ok := frameOf(call, place); ok && len(all) < maxFrames {
			all = append(all, f)
		}
	}
	for len(all) > 0 && all[0].Package == "runtime" { // how a signal became a panic
		all = all[1:]
	}
	return all
}

// frameOf reads "example.com/a/b.(*T).M(0x1, …)" and "/src/a/b/file.go:12 +0x1d".
func frameOf(call, place string) (Frame, bool) {
	if at := strings.LastIndexByte(call, '('); at > 0 && strings.HasSuffix(call, ")") {
		call = call[:at]
	}
	place, _, _ = strings.Cut(place, " ")
	colon := strings.LastIndexByte(place, ':')
	if colon < 0 {
		return Frame{}, false
	}
	line, err := strconv.Atoi(place[colon+1:])
	if err != nil || line < 0 {
		return Frame{}, false
	}
	slash := strings.LastIndexByte(call, '/')
	dot := strings.IndexByte(call[slash+1:], '.')
	if dot < 0 {
		return Frame{}, false
	}
	f := Frame{Function: clip(call[slash+1:], 200), Package: clip(call[:slash+1+dot], 200), Line: line}
	f.File = f.Package + "/" + clip(path.Base(strings.ReplaceAll(place[:colon], `\`, "/")), 100)
	f.Own = f.Package == "main" || f.Package == "seaworthy" || strings.HasPrefix(f.Package, "seaworthy/") ||
		module() != "" && (f.Package == module() || strings.HasPrefix(f.Package, module()+"/"))
	return f, true
}

// firstOwn is the innermost call of this program.
func firstOwn(frames []Frame) (Frame, bool) {
	for _, f := range frames {
		if f.Own {
			return f, true
		}
	}
	return Frame{}, false
}

func cutMethod(route string) (method, pattern string, ok bool) { return strings.Cut(route, " ") }
