package observe

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"time"
)

// Durations fall into log-linear buckets of microseconds: eight to each power of two, so
// that a quantile is wrong by at most an eighth, from 1 us to an hour. What takes longer
// counts as the last.
const (
	subBits = 3
	subs    = 1 << subBits
	buckets = subs * 30
)

// bucketOf is the bucket of a duration. A negative one, of a clock that was set back, is none.
func bucketOf(us int64) int {
	if us < subs {
		return int(max(us, 0))
	}
	shift := bits.Len64(uint64(us)) - subBits - 1
	return min((shift+1)*subs+int(us>>shift)-subs, buckets-1)
}

// bucketEnd is the longest duration of a bucket, in microseconds.
func bucketEnd(b int) int64 {
	if b < subs {
		return int64(b)
	}
	shift := b/subs - 1
	return int64(subs+b%subs+1)<<shift - 1
}

// Figures are what happened in a span of time: how often, how often it failed, and how
// long it took. The zero value is nothing.
type Figures struct {
	Count, Errors int64
	Total, Most   time.Duration // all together, and the longest; whole microseconds
	counts        [buckets]uint32
}

// Add adds what happened at another time.
func (f *Figures) Add(o *Figures) {
	f.Count, f.Errors, f.Total, f.Most = f.Count+o.Count, f.Errors+o.Errors, f.Total+o.Total, max(f.Most, o.Most)
	for i, n := range o.counts {
		f.counts[i] = uint32(min(uint64(f.counts[i])+uint64(n), math.MaxUint32))
	}
}

// Quantile is the duration that the share q of all, from 0 to 1, did not exceed; 0 for nothing.
func (f *Figures) Quantile(q float64) time.Duration {
	var all, below uint64
	for _, n := range f.counts {
		all += uint64(n)
	}
	rank := uint64(math.Ceil(q * float64(all)))
	for i, n := range f.counts {
		if below += uint64(n); n > 0 && below >= rank {
			return min(time.Duration(bucketEnd(i))*time.Microsecond, f.Most)
		}
	}
	return 0
}

const figuresVersion = 1

// encode writes version, count, errors, total and longest in microseconds, then for each
// bucket that is not empty its distance to the one before and its count, all as varints.
func (f *Figures) encode() []byte {
	b := []byte{figuresVersion}
	for _, n := range []int64{f.Count, f.Errors, f.Total.Microseconds(), f.Most.Microseconds()} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	last := -1
	for i, n := range f.counts {
		if n > 0 {
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(i-last)), uint64(n))
			last = i
		}
	}
	return b
}

var errFigures = errors.New("stored figures cannot be read")

// decodeFigures reads what encode wrote.
func decodeFigures(b []byte) (f Figures, err error) {
	if len(b) == 0 || b[0] != figuresVersion {
		return f, errFigures
	}
	b = b[1:]
	next := func(most uint64) (n uint64) {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > most {
			err, b = errFigures, nil
			return 0
		}
		b = b[size:]
		return n
	}
	const mostTime = math.MaxInt64 / 1000
	f.Count, f.Errors = int64(next(math.MaxInt64)), int64(next(math.MaxInt64))
	f.Total, f.Most = time.Duration(next(mostTime))*time.Microsecond, time.Duration(next(mostTime))*time.Microsecond
	for at := -1; len(b) > 0 && err == nil; {
		at += int(next(buckets))
		n := next(math.MaxUint32)
		if err != nil || at < 0 || at >= buckets || n == 0 {
			return Figures{}, errFigures
		}
		f.counts[at] = uint32(n)
	}
	if err != nil {
		return Figures{}, err
	}
	return f, nil
}
