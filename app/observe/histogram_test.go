package observe

import (
	"bytes"
	"testing"
	"time"
)

func TestBucketsHoldWhatFallsIntoThem(t *testing.T) {
	t.Parallel()
	for us := int64(0); us < 1<<32; us += 1 + us/97 {
		b := bucketOf(us)
		end, before := bucketEnd(b), int64(-1)
		if b > 0 {
			before = bucketEnd(b - 1)
		}
		if us > end || us <= before {
			t.Fatalf("%d us is in bucket %d, which goes from %d to %d", us, b, before, end)
		}
		if us >= subs && end > us+us/subs {
			t.Fatalf("bucket %d of %d us ends at %d, more than an eighth later", b, us, end)
		}
	}
	if bucketOf(-5) != 0 || bucketOf(1<<60) != buckets-1 {
		t.Error("what is out of range has no bucket at the end")
	}
}

func counted(us ...int64) *Figures {
	var c counter
	for _, n := range us {
		c.add(n, n >= 1000)
	}
	return c.read(true)
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	var c counter
	for us := int64(1); us <= 1000; us++ {
		c.add(us*100, us > 990)
	}
	f := c.read(true)
	if f.Count != 1000 || f.Errors != 10 || f.Most != 100*time.Millisecond || f.Total != 50050*time.Millisecond {
		t.Errorf("counted %d, %d errors, at most %v, %v together", f.Count, f.Errors, f.Most, f.Total)
	}
	for q, want := range map[float64]time.Duration{.5: 50 * time.Millisecond, .95: 95 * time.Millisecond, .99: 99 * time.Millisecond, 1: 100 * time.Millisecond} {
		if got := f.Quantile(q); got < want || got > want+want/8 {
			t.Errorf("quantile %v is %v, not %v", q, got, want)
		}
	}
	if left := c.read(true); left.Count != 0 || left.Most != 0 || left.Quantile(.5) != 0 {
		t.Errorf("after a drain there is still %d", left.Count)
	}
}

func TestStoredFiguresAreReadBack(t *testing.T) {
	t.Parallel()
	f := counted(0, 3, 8, 900, 1500, 1500, 1<<40)
	got, err := decodeFigures(f.encode())
	if err != nil || got != *f {
		t.Fatalf("read %+v (%v)", got, err)
	}
	good := f.encode()
	for name, bad := range map[string][]byte{"nothing": nil, "other version": append([]byte{9}, good[1:]...), "cut": good[:len(good)-1],
		"beyond the last bucket": append(bytes.Clone(good), 1, 1), "same bucket twice": append(bytes.Clone(good), 0, 0)} {
		if _, err := decodeFigures(bad); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func FuzzFigures(f *testing.F) {
	f.Add(counted(1, 20, 3000).encode())
	f.Add([]byte{figuresVersion, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeFigures(b)
		if err != nil {
			return
		}
		again, err := decodeFigures(got.encode())
		if err != nil || again != got {
			t.Fatalf("%x is read as %+v, and that as %+v (%v)", b, got, again, err)
		}
		got.Quantile(.99)
	})
}
