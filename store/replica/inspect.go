package replica

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"
)

// EpochState is what a replica has of one history.
type EpochState struct {
	Name    string    `json:"name"`
	Current bool      `json:"current"`
	Oldest  time.Time `json:"oldest"` // of the states it can be restored to; zero if it has nothing
	Newest  time.Time `json:"newest"`
	Files   int       `json:"files"`
	Bytes   int64     `json:"bytes"`
}

// Inventory is what a replica has, and who writes it.
type Inventory struct {
	Location string       `json:"location"`
	Epochs   []EpochState `json:"epochs"`           // newest first
	Holder   string       `json:"holder,omitempty"` // host that has the lease; "" for none, or where there is no lease
	HolderAt time.Time    `json:"holder_at,omitzero"`
}

// Inspect asks a replica what it has. It lists every file, which for a large one is some
// hundred requests.
func Inspect(ctx context.Context, cfg Config) (Inventory, error) {
	out := Inventory{Location: cfg.Replica.Location()}
	r := openRoot(cfg.Replica, callTimeout)
	defer r.close()
	now, err := readCurrent(ctx, r)
	if err != nil && !errors.Is(err, errDamaged) { // then their names are what is asked for
		return out, unreachable(out.Location, err)
	}
	names, err := r.list(ctx)
	if err != nil {
		return out, unreachable(out.Location, err)
	}
	for _, name := range names {
		if epochName.MatchString(name) {
			state, err := inspectEpoch(ctx, cfg.Replica, name)
			if err != nil {
				return out, unreachable(out.Location, err)
			}
			state.Current = name == now.Epoch
			out.Epochs = append(out.Epochs, state)
		}
	}
	slices.SortFunc(out.Epochs, func(a, b EpochState) int {
		if n := epochNumber(b.Name) - epochNumber(a.Name); n != 0 {
			return n
		}
		return strings.Compare(a.Name, b.Name)
	})
	if l, err := newLease(cfg, defaultLease, leasePatience, time.Now); err == nil && l != nil {
		defer l.bucket.Close()
		held, tag, err := l.read(ctx)
		if err == nil && tag != "" && !held.Released {
			out.Holder, out.HolderAt = held.Host, held.At
		}
	}
	return out, nil
}

func inspectEpoch(ctx context.Context, rep Replica, name string) (EpochState, error) {
	e := EpochState{Name: name}
	client := newBounded(callTimeout, func() litestream.ReplicaClient { return newClient(rep, name) })
	for level := 0; level <= litestream.SnapshotLevel; level++ {
		it, err := client.LTXFiles(ctx, level, 0, false)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return e, err
		}
		infos, err := ltx.SliceFileIterator(it)
		if err != nil {
			return e, err
		}
		for _, i := range infos {
			e.Files++
			e.Bytes += i.Size
			if e.Oldest.IsZero() || i.CreatedAt.Before(e.Oldest) {
				e.Oldest = i.CreatedAt
			}
			if i.CreatedAt.After(e.Newest) {
				e.Newest = i.CreatedAt
			}
		}
	}
	return e, nil
}
