// Package verify checks the audit log from outside, without trusting the program
// that wrote it: a database file, the tiles of c2sp.org/tlog-tiles in a folder or
// at an address, a proof, a bundle of proofs. It names the first event that is
// wrong (spec/audit.md B4).
package verify

import (
	"errors"
	"fmt"
	"strings"

	"seaworthy/app/audit/merkle"
)

// Options say what the log is held against.
type Options struct {
	Keys        []string // verifier keys that may sign; none: whatever key comes with the log, which then proves less
	Checkpoints [][]byte // signed checkpoints somebody kept: the log must still contain what they cover
}

// Report is what was found.
type Report struct {
	Origin   string
	Size     int64       // events the newest checkpoint covers, or the log holds if it is a file
	Root     merkle.Hash // at Size
	SignedBy []string    // verifier keys with a good signature on it; none: it is not signed yet
	Events   int64       // looked at
	Dropped  int64       // of those, how many have lost their details to retention: only their place was checked
	Pinned   bool        // the keys were given and not taken from the log itself
	BadSeq   int64       // the first event that is wrong; 0: none, or it cannot be told which
	Problem  string      // what is wrong; "" when nothing is
}

// OK reports whether nothing is wrong.
func (r Report) OK() bool { return r.Problem == "" }

// bad is a fault with the event it shows in.
type bad struct {
	seq  int64 // 0: of no single event
	what string
}

func (b *bad) Error() string {
	if b.seq == 0 {
		return b.what
	}
	return fmt.Sprintf("event %d: %s", b.seq, b.what)
}

func wrong(seq int64, format string, args ...any) error {
	return &bad{seq, fmt.Sprintf(format, args...)}
}

// conclude turns an error into the report's fault; what is no fault of the log,
// such as a file that cannot be read, stays an error.
func (r *Report) conclude(err error) error {
	var b *bad
	if errors.As(err, &b) {
		r.BadSeq, r.Problem = b.seq, b.what
		return nil
	}
	return err
}

// open verifies a checkpoint by the keys of the options that fit its origin.
func (o Options) open(note []byte) (merkle.Signed, error) {
	origin, _, _ := strings.Cut(string(note), "\n")
	var keys []string
	for _, k := range o.Keys {
		if strings.HasPrefix(k, origin+"+") {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return merkle.Signed{}, fmt.Errorf("no key is known for %q", origin)
	}
	return merkle.Open(note, keys...)
}

// kept are the kept checkpoints of an origin, by size.
func (o Options) kept(origin string) (map[int64]merkle.Hash, error) {
	bySize := map[int64]merkle.Hash{}
	for i, note := range o.Checkpoints {
		c, err := o.open(note)
		if err != nil {
			return nil, fmt.Errorf("kept checkpoint %d: %w", i+1, err)
		}
		if c.Origin == origin {
			bySize[c.Size] = c.Root
		}
	}
	return bySize, nil
}
