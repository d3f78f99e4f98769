package outbox

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"regexp"
	"time"
	"unicode"
	"unicode/utf8"

	"seaworthy/queue"
)

// Bounds of a row.
const (
	maxID   = 255  // bytes, also of a key
	maxText = 1024 // bytes of any other text that is read at all
	maxArgs = queue.MaxArgs

	// As the API has it.
	maxPriority = 9
)

// Row is one row of the table, checked.
type Row struct {
	ID       string // the app's, used once
	Kind     string
	Args     json.RawMessage
	Queue    string    // "" for the default one
	Endpoint string    // "" for the default one
	Key      string    // jobs of an endpoint with the same key run one at a time; "" for none
	Priority int       // higher first, 0 is usual
	RunAt    time.Time // not before; zero for at once
}

// Fingerprint is the same for two rows exactly if they ask for the same job, so
// that an id that is used for another one can be told from one that is repeated.
func (r Row) Fingerprint() []byte {
	h := sha256.New()
	for _, part := range []string{r.Kind, string(r.Args), r.Queue, r.Endpoint, r.Key} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	at := int64(0)
	if !r.RunAt.IsZero() {
		at = r.RunAt.UnixMilli()
	}
	fmt.Fprint(h, r.Priority, at)
	return h.Sum(nil)
}

// RowError says why a row can never be a job.
type RowError struct {
	Column string
	Reason string
}

func (e *RowError) Error() string { return e.Column + " " + e.Reason }

// Reused is the error of a row whose id was that of another job.
func Reused() *RowError { return bad("id", "was used before for another job: an id is used once") }

func bad(column, format string, args ...any) *RowError {
	return &RowError{Column: column, Reason: fmt.Sprintf(format, args...)}
}

// columns are those of the table that are read, in the order of values.
var columns = []string{"id", "kind", "args", "queue", "endpoint", "priority", "run_at", "key"}

// values are what SQLite holds in the columns: nil, int64, float64, string or
// []byte. What is too large to be read is the blob tooLarge.
type values [8]any

// tooLarge stands for a value that was not read because of its size.
var tooLarge = []byte{0}

var (
	kindForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$`)
	queueForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)
)

// parse makes a Row of what the columns hold.
func (v values) parse() (r Row, err error) {
	var fault *RowError
	text := func(i, most int) (s string) {
		if fault == nil {
			s, fault = textOf(v[i], columns[i], most)
		}
		return s
	}
	r.ID = text(0, maxID)
	r.Kind = text(1, maxText)
	r.Queue, r.Endpoint, r.Key = text(3, maxText), text(4, maxText), text(7, maxID)
	switch {
	case fault != nil:
	case r.ID == "":
		fault = bad("id", "is empty")
	case !kindForm.MatchString(r.Kind):
		fault = bad("kind", "must be a name such as invoice.send: at most 100 letters, digits and _ . : / -, the first a letter or digit")
	case r.Queue != "" && !queueForm.MatchString(r.Queue):
		fault = bad("queue", "must be a name of at most 40 small letters, digits, _ and -")
	default:
		fault = r.parseRest(v)
	}
	if fault != nil {
		return r, fault
	}
	return r, nil
}

// parseRest reads the columns that are no plain text.
func (r *Row) parseRest(v values) (fault *RowError) {
	if r.Args, fault = argsOf(v[2]); fault != nil {
		return fault
	}
	priority, fault := intOf(v[5], "priority")
	if fault != nil {
		return fault
	}
	if priority < -maxPriority || priority > maxPriority {
		return bad("priority", "must be from -9 to 9, not %d", priority)
	}
	r.Priority = int(priority)
	at, fault := intOf(v[6], "run_at")
	switch {
	case fault != nil || at == 0:
		return fault
	case at < 0 || at > 253402300799999: // the end of year 9999
		return bad("run_at", "must be a time in milliseconds since 1970, not %d", at)
	case at < 100_000_000_000: // 1973 in milliseconds, year 5138 in seconds
		return bad("run_at", "is in milliseconds since 1970, and %d looks like seconds", at)
	}
	r.RunAt = time.UnixMilli(at).UTC()
	return nil
}

func textOf(v any, column string, most int) (string, *RowError) {
	if v == nil {
		return "", nil
	}
	s, ok := v.(string)
	if !ok || len(s) > most {
		return "", bad(column, "must be text of at most %d bytes", most)
	}
	if !utf8.ValidString(s) {
		return "", bad(column, "is no UTF-8")
	}
	for _, c := range s {
		if unicode.IsControl(c) {
			return "", bad(column, "has control characters")
		}
	}
	return s, nil
}

func argsOf(v any) (json.RawMessage, *RowError) {
	var b []byte
	switch v := v.(type) {
	case nil:
		return json.RawMessage("null"), nil
	case string:
		b = []byte(v)
	case []byte:
		b = v
	default:
		return nil, bad("args", "must be JSON as text")
	}
	switch {
	case len(b) > maxArgs || len(b) == len(tooLarge) && b[0] == tooLarge[0]:
		return nil, bad("args", "must be at most %d bytes", maxArgs)
	case !utf8.Valid(b) || !json.Valid(b):
		return nil, bad("args", "is no valid JSON")
	}
	return b, nil
}

func intOf(v any, column string) (int64, *RowError) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	}
	return 0, bad(column, "must be a whole number")
}
