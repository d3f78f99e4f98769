package jobs

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"seaworthy/app/web"
	"seaworthy/queue"
	"seaworthy/store"
)

// jobInput is a job as the app hands it in.
type jobInput struct {
	Kind        string            `json:"kind" doc:"What is to be done, up to 100 characters: invoice.send"`
	Args        jsontext.Value    `json:"args,omitempty" doc:"Any JSON, at most 256 KB"`
	Endpoint    string            `json:"endpoint,omitempty" doc:"Id or name of where it is delivered; default if left out"`
	Queue       string            `json:"queue,omitempty" doc:"In which it waits; default if left out"`
	RunAt       *time.Time        `json:"run_at,omitempty" doc:"Not before this time"`
	Delay       int               `json:"delay_seconds,omitempty" doc:"Or not before so many seconds"`
	Priority    int               `json:"priority,omitempty" doc:"-9 to 9, higher first"`
	MaxAttempts int               `json:"max_attempts,omitempty" doc:"1 to 100"`
	Timeout     int               `json:"timeout_seconds,omitempty" doc:"Of an attempt; the endpoint's if left out"`
	Unique      *uniqueInput      `json:"unique,omitempty" doc:"No second job of this kind and key while the first has not finished"`
	Concurrency *concurrencyInput `json:"concurrency,omitempty" doc:"So many jobs with a key at once"`
	Idempotency string            `json:"idempotency_key,omitempty" doc:"Instead of the header"`
	Org         string            `json:"org,omitempty" doc:"Organization that it is done for: none is taken for one whose access is narrow"`
}

// uniqueInput keeps a second job of a kind and key out while the first has not
// finished, and for a window after it was handed in.
type uniqueInput struct {
	Key    string `json:"key" doc:"What there may be one of"`
	Window int    `json:"window_seconds,omitempty" doc:"Nor within so many seconds after it was handed in"`
}

// concurrencyInput lets at most limit jobs with a key run at once.
type concurrencyInput struct {
	Key   string `json:"key" doc:"What the jobs share"`
	Limit int    `json:"limit" doc:"How many at once"`
}

// Bounds of a job.
const (
	maxDelay    = 366 * 24 * time.Hour // ahead, of its time and of the window in which it is unique
	maxPriority = 9
	maxTries    = 100
	maxKey      = 255
)

var (
	kindForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$`)
	queueForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)
)

// newJob is a job that was checked and can be enqueued.
type newJob struct {
	jobInput
	fingerprint []byte
}

// check finds what is wrong with an input. raw is its JSON.
func (in jobInput) check(raw []byte, now time.Time) (newJob, error) {
	var c web.Check
	c.Fault(kindForm.MatchString(in.Kind), "kind", "form", "Up to 100 letters, digits and _ . : / -, the first a letter or digit.")
	if in.Queue == "" {
		in.Queue = "default"
	}
	c.Fault(queueForm.MatchString(in.Queue), "queue", "form", "Up to 40 small letters, digits, underscores and hyphens.")
	if in.Endpoint == "" {
		in.Endpoint = defaultName
	}
	if len(in.Args) == 0 {
		in.Args = jsontext.Value("null")
	}
	if err := in.Args.Compact(); err != nil {
		return newJob{}, fmt.Errorf("compact what was decoded: %w", err)
	}
	c.Fault(len(in.Args) <= queue.MaxArgs, "args", "too_large", fmt.Sprintf("At most %d bytes. Keep what is larger elsewhere and name it here.", queue.MaxArgs))
	c.Fault(in.RunAt == nil || in.Delay == 0, "delay_seconds", "both", "Give run_at or delay_seconds, not both.")
	c.Fault(in.RunAt == nil || in.RunAt.Before(now.Add(maxDelay)) && in.RunAt.Year() >= 1970, "run_at", "range", "At most 366 days ahead.")
	c.Fault(in.Delay >= 0 && in.Delay <= int(maxDelay/time.Second), "delay_seconds", "range", "From 0 seconds to 366 days.")
	c.Fault(in.Priority >= -maxPriority && in.Priority <= maxPriority, "priority", "range", "From -9 to 9; higher goes first.")
	c.Fault(in.MaxAttempts >= 0 && in.MaxAttempts <= maxTries, "max_attempts", "range", "From 1 to 100.")
	c.Fault(in.Timeout >= 0 && in.Timeout <= int(maxTimeout/time.Second), "timeout_seconds", "range", fmt.Sprintf("From 1 to %d seconds.", int(maxTimeout/time.Second)))
	if u := in.Unique; u != nil {
		c.Text("unique.key", u.Key, 1, maxKey)
		c.Fault(u.Window >= 0 && u.Window <= int(maxDelay/time.Second), "unique.window_seconds", "range", "From 0 seconds to 366 days.")
	}
	if k := in.Concurrency; k != nil {
		c.Text("concurrency.key", k.Key, 1, maxKey)
		c.Fault(k.Limit >= 1 && k.Limit <= maxConcurrency, "concurrency.limit", "range", fmt.Sprintf("From 1 to %d.", maxConcurrency))
	}
	c.Text("org", in.Org, 0, 60)
	c.Fault(validKey(in.Idempotency), "idempotency_key", "form", "At most 255 printable characters.")
	return newJob{in, fingerprint(raw)}, c.Err()
}

// fingerprint is of a request whose spelling does not matter: neither the order of
// members nor blanks. Numbers count as they are written, because beyond 2^53 different ones
// are the same in many languages.
func fingerprint(raw []byte) []byte {
	v := jsontext.Value(raw).Clone()
	if v.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)) != nil {
		v = raw // of several lines
	}
	sum := sha256.Sum256(v)
	return sum[:]
}

func validKey(key string) bool { return len(key) <= maxKey && web.CleanText(key, maxKey) == key }

// options say to the queue how a job is to run. slack is what the engine allows
// beyond the delivery's own time, so that the delivery can say what went wrong.
func (n newJob) options(e endpoint, source, idem string) []queue.Option {
	timeout := e.timeout
	if n.Timeout > 0 {
		timeout = time.Duration(n.Timeout) * time.Second
	}
	all := []queue.Option{queue.ToEndpoint(e.id), queue.On(lane(e.name, n.Queue)), queue.Priority(n.Priority), queue.Timeout(timeout + slack)}
	switch {
	case n.RunAt != nil:
		all = append(all, queue.At(*n.RunAt))
	case n.Delay > 0:
		all = append(all, queue.In(time.Duration(n.Delay)*time.Second))
	}
	if n.MaxAttempts > 0 {
		all = append(all, queue.MaxAttempts(n.MaxAttempts))
	}
	// No key of the app's is one of this program's: kinds may be the same.
	if u := n.Unique; u != nil {
		all = append(all, queue.Unique(e.id+":"+u.Key, time.Duration(u.Window)*time.Second))
	}
	if k := n.Concurrency; k != nil {
		all = append(all, queue.Key(e.id+":"+k.Key, min(k.Limit, e.concurrency)))
	} else {
		all = append(all, queue.Key(e.id, e.concurrency))
	}
	if idem != "" {
		all = append(all, queue.From(source, idem, n.fingerprint))
	}
	return all
}

// lane is the queue of the engine for an endpoint's jobs. Each has its own, so that
// one endpoint's backlog stands in front of neither another's nor of our mails.
func lane(endpoint, queue string) string { return "app." + endpoint + "." + queue }

// unlane is what the app called the queue.
func unlane(queue string) string {
	if parts := strings.SplitN(queue, ".", 3); len(parts) == 3 && parts[0] == "app" {
		return parts[2]
	}
	return queue
}

// targets are the endpoints of many jobs, each looked up once.
type targets map[string]endpoint

func (t targets) find(tx *store.Tx, name string) (endpoint, error) {
	if e, ok := t[name]; ok {
		return e, nil
	}
	e, err := findEndpoint(tx, name)
	if err == nil {
		t[name] = e
	}
	return e, err
}
