package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"seaworthy/store/replica/bucket"
)

// leaseName is the object at the root that says who writes the replica.
const leaseName = "lease.json"

// leaseFile is the content of lease.json. Every write of it differs, so that its tag does.
type leaseFile struct {
	Owner    string    `json:"owner"` // of a data folder on one disk
	Host     string    `json:"host"`  // for people
	Renewal  int64     `json:"renewal"`
	Released bool      `json:"released,omitempty"`
	At       time.Time `json:"at"` // by the owner's clock; for people, nothing is decided by it
}

// lease is the right to write a replica in a bucket, kept by conditional writes. Epochs
// already keep two histories apart; the lease keeps two of us from both believing that
// theirs is the one.
//
// Clocks are not compared: a lease counts as given up when its holder has released it, or
// when it was seen not to change for as long as its holder would never wait.
type lease struct {
	bucket   *bucket.Bucket
	key      string
	location string // for people
	owner    string
	host     string
	clock    func() time.Time
	times    leaseTimes
	patience time.Duration

	mu   sync.Mutex // of all that follows, for as long as an exchange takes
	tag  string     // of the version we wrote; "" while we hold none
	last leaseFile
}

// leaseTimes are how often a lease is renewed, and after how long without it is given up.
type leaseTimes struct{ renew, ttl time.Duration }

var defaultLease = leaseTimes{renew: 10 * time.Second, ttl: 30 * time.Second}

// HeldError says that another process writes to the replica.
type HeldError struct {
	Location string
	Host     string    // where it runs
	At       time.Time // of its last sign of life, by its own clock
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("another process writes to the replica at %s: it runs on %q and said so at %s. Two of them would part the data in two. "+
		"Stop that one; if it is gone for good, start this one again: it takes over as soon as the other has been silent for half a minute",
		e.Location, e.Host, e.At.UTC().Format(time.RFC3339))
}

// errNoLease says that the service has no conditional writes, so that there is no lease.
var errNoLease = errors.New("the provider has no conditional writes")

// acquire takes the lease. It waits for one that is another's to be given up, and returns a
// *HeldError when that one is alive.
func (l *lease) acquire(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tag != "" {
		return nil
	}
	var seen string // tag of another's lease
	var last leaseFile
	var since time.Time
	for {
		now, tag, err := l.read(ctx)
		if err != nil && ctx.Err() != nil && seen != "" {
			return &HeldError{l.location, last.Host, last.At}
		}
		if err != nil {
			return err
		}
		last = now
		switch {
		case tag == "" || now.Released || now.Owner == l.owner:
			err = l.write(ctx, tag, now.Renewal+1, false)
		case seen == "":
			seen, since, err = tag, time.Now(), errHeld
		case tag != seen:
			return &HeldError{l.location, now.Host, now.At}
		case time.Since(since) >= l.times.ttl:
			err = l.write(ctx, tag, now.Renewal+1, false)
		default:
			err = errHeld
		}
		if err == nil || !errors.Is(err, errHeld) && !errors.Is(err, bucket.ErrChanged) {
			return err
		}
		select {
		case <-ctx.Done():
			if seen != "" {
				return &HeldError{l.location, now.Host, now.At}
			}
			return context.Cause(ctx)
		case <-time.After(l.times.renew / 10):
		}
	}
}

// hold is acquire for who needs the lease now, if there is such a thing: a replica that does not
// answer is an *UnreachableError.
func (l *lease) hold(ctx context.Context) error {
	err := l.acquire(ctx)
	var held *HeldError
	switch {
	case err == nil, errors.Is(err, errNoLease):
		return nil
	case errors.As(err, &held):
		return err
	}
	return unreachable(l.location, err)
}

// errHeld is why acquire goes round again.
var errHeld = errors.New("held by another")

// renew shows that the holder is alive. A *HeldError says that the lease is another's now.
func (l *lease) renew(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tag == "" {
		return nil // the next session takes it
	}
	return l.again(ctx, false)
}

// release gives the lease up, so that the next one need not wait.
func (l *lease) release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tag == "" {
		return nil
	}
	err := l.again(ctx, true)
	l.tag = ""
	return err
}

// again writes what we hold once more. A write whose answer was lost, or not waited for,
// meets itself: only another's name is a loss.
func (l *lease) again(ctx context.Context, released bool) error {
	err := l.write(ctx, l.tag, l.last.Renewal+1, released)
	if !errors.Is(err, bucket.ErrChanged) {
		return err
	}
	now, tag, err := l.read(ctx)
	if err != nil {
		return err
	}
	if tag != "" && now.Owner != l.owner {
		l.tag = ""
		return &HeldError{l.location, now.Host, now.At}
	}
	return l.write(ctx, tag, max(now.Renewal, l.last.Renewal)+1, released)
}

func (l *lease) read(ctx context.Context) (now leaseFile, tag string, err error) {
	v, err := within(ctx, l.patience, "read the lease", func(ctx context.Context) (version, error) {
		return readVersion(ctx, l.bucket, l.key)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return leaseFile{}, "", nil
	}
	if err != nil {
		return now, "", fmt.Errorf("read %s: %w", leaseName, err)
	}
	// What cannot be read is nobody's: whoever wrote it was not one of us.
	if json.Unmarshal(v.data, &now) != nil {
		now = leaseFile{}
	}
	return now, v.tag, nil
}

func (l *lease) write(ctx context.Context, tag string, renewal int64, released bool) error {
	next := leaseFile{Owner: l.owner, Host: l.host, Renewal: renewal, Released: released, At: l.clock().UTC()}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	fresh, err := within(ctx, l.patience, "write the lease", func(ctx context.Context) (string, error) {
		return l.bucket.Put(ctx, l.key, append(data, '\n'), "application/json", bucket.Condition{Absent: tag == "", Tag: tag})
	})
	if errors.Is(err, bucket.ErrNoConditions) {
		return errNoLease
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", leaseName, err)
	}
	l.tag, l.last = fresh, next
	return nil
}
