package observe

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/redact"
	"seaworthy/app/web"
	"seaworthy/queue"
)

// handler passes a log record on to where it went before and into the ring, both
// times without secrets and with the ids of what it belongs to.
type handler struct {
	s      *System
	next   slog.Handler
	prefix string      // of the open groups, as "a.b."
	attrs  []slog.Attr // given with With, redacted, their names with the prefix
}

// Handler wraps where the log goes. It can be used before Open: what is logged waits
// in the ring.
func (s *System) Handler(next slog.Handler) slog.Handler {
	s.own = slog.New(next) // what is said of the ring must not go through it
	h := &handler{s: s, next: next}
	s.said = slog.New(h)
	return h
}

// Enabled implements slog.Handler. The ring takes what is info or worse.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.next.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.s.clean(a)
	}
	more := *h
	more.next = h.next.WithAttrs(clean)
	more.attrs = append([]slog.Attr(nil), h.attrs...)
	for _, a := range clean {
		a.Key = h.prefix + a.Key
		more.attrs = append(more.attrs, a)
	}
	return &more
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	more := *h
	more.next, more.prefix = h.next.WithGroup(name), h.prefix+name+"."
	return &more
}

// Handle implements slog.Handler.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	onward := h.next.Enabled(ctx, r.Level)
	line := Line{At: h.s.now(), Level: r.Level, Message: redact.Text(clip(r.Message, maxMessage))}
	line.from(ctx)
	var clean []slog.Attr // only what another handler takes
	if onward {
		clean = make([]slog.Attr, 0, r.NumAttrs()+4)
	}
	out := make([]byte, 1, 224)
	out[0] = '{'
	for _, a := range h.attrs {
		out = line.put(out, a)
	}
	r.Attrs(func(a slog.Attr) bool {
		a = h.s.clean(a)
		if onward {
			clean = append(clean, a)
		}
		a.Key = h.prefix + a.Key
		out = line.put(out, a)
		return true
	})
	if len(out) > 1 {
		out[len(out)-1] = '}' // in place of the last comma
		line.Attrs = out
	}
	if r.Level >= slog.LevelInfo {
		h.s.admit(&line)
	}
	if !onward {
		return nil
	}
	if h.prefix == "" {
		clean = line.name(clean)
	}
	again := slog.NewRecord(r.Time, r.Level, line.Message, r.PC)
	again.AddAttrs(clean...)
	return h.next.Handle(ctx, again)
}

// from fills in the ids that the context knows.
func (l *Line) from(ctx context.Context) {
	o := web.OriginOf(ctx)
	l.Request, l.Trace, l.User, l.Org = o.RequestID, o.Trace, o.Identity.User, o.Org.ID
	if l.Org == "" {
		l.Org = o.Identity.Org
	}
	if job, ok := queue.FromContext(ctx); ok {
		l.Job = job.ID
		if l.Request == "" {
			l.Request = job.Cause.RequestID
		}
		if l.Trace == "" {
			l.Trace = job.Cause.Trace
		}
		if l.Org == "" {
			l.Org = job.Cause.Org
		}
	}
}

// name adds the ids to attributes that do not name them themselves.
func (l *Line) name(attrs []slog.Attr) []slog.Attr {
	given := attrs
	for _, id := range [...]struct{ key, value string }{{"request_id", l.Request}, {"trace_id", l.Trace}, {"user", l.User}, {"org", l.Org}, {"job", l.Job}} {
		if id.value != "" && !slices.ContainsFunc(given, func(a slog.Attr) bool { return a.Key == id.key }) {
			attrs = append(attrs, slog.String(id.key, id.value))
		}
	}
	return attrs
}

// put takes an attribute as one of the line's ids, or writes it as a member of a
// JSON object, with a comma behind it.
func (l *Line) put(out []byte, a slog.Attr) []byte {
	if a.Value.Kind() == slog.KindGroup {
		for _, inner := range a.Value.Group() {
			if a.Key != "" {
				inner.Key = a.Key + "." + inner.Key
			}
			out = l.put(out, inner)
		}
		return out
	}
	text := "0" // a number is never long, and its text is only made when it is written
	switch a.Value.Kind() {
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindBool:
		if l.id(a.Key) != nil {
			text = a.Value.String()
		}
	default:
		text = a.Value.String()
	}
	if id := l.id(a.Key); id != nil {
		if text != "" {
			*id = clip(text, 200)
		}
		return out
	}
	if text == "" || len(out)+len(text)+len(a.Key) > maxAttrs {
		return out
	}
	out = append(quoteInto(out, a.Key), ':')
	switch a.Value.Kind() {
	case slog.KindInt64:
		out = strconv.AppendInt(out, a.Value.Int64(), 10)
	case slog.KindUint64:
		out = strconv.AppendUint(out, a.Value.Uint64(), 10)
	case slog.KindFloat64:
		f := a.Value.Float64()
		if math.IsNaN(f) || math.IsInf(f, 0) { // which JSON cannot write
			out, _ = jsontext.AppendQuote(out, a.Value.String())
			break
		}
		out = strconv.AppendFloat(out, f, 'g', -1, 64)
	case slog.KindBool:
		out = strconv.AppendBool(out, a.Value.Bool())
	default:
		out = quoteInto(out, text)
	}
	return append(out, ',')
}

// quoteInto writes a text as a string of JSON. Most need no escape, which is quickly seen.
func quoteInto(out []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			out, _ = jsontext.AppendQuote(out, strings.ToValidUTF8(text, ""))
			return out
		}
	}
	out = append(out, '"')
	return append(append(out, text...), '"')
}

// id is the id that an attribute of this name is, nil for any other.
func (l *Line) id(name string) *string {
	switch name {
	case "request_id":
		return &l.Request
	case "trace_id":
		return &l.Trace
	case "user":
		return &l.User
	case "org":
		return &l.Org
	case "job":
		return &l.Job
	}
	return nil
}

// clean hides what is secret by its name or by its looks. A number is what it is.
func (s *System) clean(a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindTime, slog.KindInt64, slog.KindUint64:
		if a.Value.Kind() != slog.KindInt64 && a.Value.Kind() != slog.KindUint64 || !s.secret(a.Key) {
			return a
		}
		return slog.String(a.Key, redact.Hidden)
	case slog.KindGroup:
		inner := make([]slog.Attr, len(a.Value.Group()))
		for i, b := range a.Value.Group() {
			inner[i] = s.clean(b)
		}
		a.Value = slog.GroupValue(inner...)
		return a
	}
	if s.secret(a.Key) {
		return slog.String(a.Key, redact.Hidden)
	}
	text := a.Value.String() // an error, too, is its text
	return slog.String(a.Key, redact.Text(clip(text, maxValue)))
}

// names are whether attributes of a name are secret: read without a lock or an allocation, and copied
// when one more is learned.
type names struct {
	learning sync.Mutex
	known    atomic.Pointer[map[string]bool]
}

// secret reports whether a name tells of a secret; a program has few names, and looks each
// up once.
func (s *System) secret(name string) bool {
	known := s.names.known.Load()
	if known != nil {
		if is, ok := (*known)[name]; ok {
			return is
		}
	}
	is := redact.Name(name)
	if known == nil || len(*known) < maxNames {
		s.names.learn(name, is)
	}
	return is
}

func (n *names) learn(name string, is bool) {
	n.learning.Lock()
	defer n.learning.Unlock()
	more := map[string]bool{}
	if known := n.known.Load(); known != nil {
		maps.Copy(more, *known)
	}
	if len(more) < maxNames {
		more[strings.Clone(name)] = is
		n.known.Store(&more)
	}
}

// maxNames bounds what is remembered, against names that are made up: to copy it costs.
const maxNames = 500
