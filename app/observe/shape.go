package observe

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"seaworthy/store"
)

// shape is a statement as it stands in the program: its texts are constants, so that no
// value of anybody's is in it. Whoever counts takes no lock.
type shape struct {
	ID   string // of its text
	Text string // on one line

	sql    string // as it is run
	run    counter
	rows   atomic.Int64
	gate   atomic.Int64 // of the transactions it was run in, us, each once
	lock   atomic.Int64
	commit atomic.Int64
	txs    atomic.Int64
	caller atomic.Pointer[string]
	asked  atomic.Int64 // when its plan was last asked for, ms; 0 never
	plan   atomic.Pointer[Plan]
	said   atomic.Int64 // when the log last told that it was slow, ms
	wants  atomic.Bool  // its plan is to be looked at
}

// mostShapes bounds how many are told apart; a program has some hundred.
const mostShapes = 2000

// shapes are those that were ever prepared.
type shapes struct {
	known sync.Map // SQL to *shape
	byID  sync.Map // id to *shape
	n     atomic.Int64
}

var (
	blanks = regexp.MustCompile(`\s+`)
	lists  = regexp.MustCompile(`\(\s*\?(\s*,\s*\?)+\s*\)`)
)

// normalise puts a statement on one line, with one mark for a list of values.
func normalise(sql string) string {
	return strings.TrimSpace(lists.ReplaceAllString(blanks.ReplaceAllString(sql, " "), "(?, …)"))
}

// shapeID is a name for a normalised text, the same in each process.
func shapeID(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// of finds the shape of a text, or makes it.
func (s *shapes) of(sql string) *shape {
	if found, ok := s.known.Load(sql); ok {
		return found.(*shape)
	}
	text := normalise(sql)
	if s.n.Load() >= mostShapes {
		sql, text = otherName, "(all other statements)"
	}
	made := &shape{ID: shapeID(text), Text: clip(text, 8<<10), sql: sql}
	if found, known := s.byID.LoadOrStore(made.ID, made); known { // texts that differ by a blank
		s.known.Store(sql, found)
		return found.(*shape)
	}
	s.known.Store(sql, made)
	s.n.Add(1)
	return made
}

// explicable reports whether a plan can be asked for: of what reads or changes rows.
func (h *shape) explicable() bool {
	word, _, _ := strings.Cut(h.Text, " ")
	switch strings.ToUpper(word) {
	case "SELECT", "WITH", "INSERT", "UPDATE", "DELETE":
		return true
	}
	return false
}

// reads reports whether a statement is a query.
func (h *shape) reads() bool {
	return strings.HasPrefix(h.Text, "SELECT ") || strings.HasPrefix(h.Text, "WITH ")
}

// callerOf names the function of the program that ran the statement which is being
// reported, with file and line; "" when none is on the stack.
func callerOf() string {
	var pcs [24]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if isOwn(f.Function) && !strings.HasPrefix(f.Function, "seaworthy/store.") && !strings.HasPrefix(f.Function, "seaworthy/app/observe.(*System)") {
			return shortFunction(f.Function) + " " + shortFile(f.File) + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return ""
		}
	}
}

// isOwn reports whether a function is of this program, or of one that embeds it.
func isOwn(function string) bool {
	return strings.HasPrefix(function, "seaworthy/") || strings.HasPrefix(function, "main.")
}

// shortFunction is a function without the module's name, as "auth.(*System).Login".
func shortFunction(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(name, "[...]", ""), "seaworthy/"), "app/")
}

// shortFile is the path of a file below its module.
func shortFile(file string) string {
	for _, root := range []string{"/app/", "/store/", "/queue/", "/examples/"} {
		if i := strings.LastIndex(file, root); i >= 0 {
			return file[i+1:]
		}
	}
	parts := strings.Split(file, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

// ran counts a run.
func (h *shape) ran(took time.Duration, rows int64, failed bool) {
	h.run.add(took.Microseconds(), failed)
	h.rows.Add(rows)
}

// waited counts a transaction that it was run in.
func (h *shape) waited(t *store.Transaction) {
	h.txs.Add(1)
	h.gate.Add(t.Gate.Microseconds())
	h.lock.Add(t.Lock.Microseconds())
	h.commit.Add(t.Commit.Microseconds())
}
