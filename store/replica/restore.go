package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"seaworthy/store"
)

// RestoreOptions say what to bring back.
type RestoreOptions struct {
	Epoch       string       // the newest that has data if ""
	At          time.Time    // the state at that time; the newest if zero
	KnownSchema int          // newest schema this binary knows; the built-in one if 0
	Log         *slog.Logger // discarded if nil
	// Check is asked about the restored file before it gets its name, beside the checks that
	// are always made.
	Check func(ctx context.Context, path string) error
}

// Restoration tells what was brought back.
type Restoration struct {
	Epoch  string // the epoch it came from
	Schema int    // its schema version
	Bytes  int64  // size of the file
}

// ErrNothing says that the replica was asked and has nothing to restore.
var ErrNothing = errors.New("the replica holds no database")

// applicationID is what store writes into every file of ours ("SEAW").
const applicationID = 0x53454157

// Restore writes the database of the replica to path, which must not exist, and
// verifies it: the full integrity check, that it is one of ours, and that this
// binary knows its schema. Nothing is left behind when it fails. The restored
// file begins an epoch of its own when it is next served.
func Restore(ctx context.Context, cfg Config, path string, o RestoreOptions) (Restoration, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	epochs := []string{o.Epoch}
	if o.Epoch == "" {
		var err error
		if epochs, err = knownEpochs(ctx, cfg.Replica); err != nil {
			return Restoration{}, err
		}
	}
	for _, epoch := range epochs {
		client := newBounded(callTimeout, func() litestream.ReplicaClient { return newClient(cfg.Replica, epoch) })
		oldest, err := oldestIn(ctx, client)
		if err != nil {
			return Restoration{}, unreachable(cfg.Replica.Location(), err)
		}
		// An epoch that was begun but got nothing yet, or began after the
		// wanted time: the one before it is what there is.
		if oldest.IsZero() || (!o.At.IsZero() && oldest.After(o.At)) {
			continue
		}
		out, err := restoreEpoch(ctx, client, path, o)
		if err != nil {
			return Restoration{}, fmt.Errorf("restore %s from %s: %w", epoch, cfg.Replica.Location(), err)
		}
		out.Epoch = epoch
		return out, nil
	}
	return Restoration{}, ErrNothing
}

// knownEpochs are those that current.json names, the newest first.
func knownEpochs(ctx context.Context, rep Replica) ([]string, error) {
	r := openRoot(rep, callTimeout)
	defer r.close()
	c, err := readCurrent(ctx, r)
	if err != nil {
		return nil, unreachable(rep.Location(), err)
	}
	return c.epochs(), nil
}

// oldestIn is the time of the oldest state an epoch can be restored to, zero
// when it holds nothing.
func oldestIn(ctx context.Context, client litestream.ReplicaClient) (time.Time, error) {
	var oldest time.Time
	for level := litestream.SnapshotLevel; level >= 0; level-- {
		it, err := client.LTXFiles(ctx, level, 0, false)
		if err != nil {
			return time.Time{}, err
		}
		infos, err := ltx.SliceFileIterator(it)
		if err != nil {
			return time.Time{}, err
		}
		for _, info := range infos {
			if oldest.IsZero() || info.CreatedAt.Before(oldest) {
				oldest = info.CreatedAt
			}
		}
	}
	return oldest, nil
}

// restoreEpoch restores beside the target and moves the verified file there.
func restoreEpoch(ctx context.Context, client litestream.ReplicaClient, path string, o RestoreOptions) (Restoration, error) {
	tmp := path + scratchMark + time.Now().UTC().Format(scratchTime)
	defer removeScratch(tmp)
	db := litestream.NewDB(tmp)
	defer db.Close(context.WithoutCancel(ctx))
	db.Replica = litestream.NewReplicaWithClient(db, client)
	db.Replica.MonitorEnabled = false
	db.SetLogger(quiet(o.Log))
	opt := litestream.NewRestoreOptions()
	opt.OutputPath, opt.Timestamp = tmp, o.At
	if err := db.Replica.Restore(ctx, opt); err != nil {
		return Restoration{}, err
	}
	out, err := verify(ctx, tmp, o.KnownSchema)
	if err != nil {
		return Restoration{}, fmt.Errorf("the restored file fails its check: %w", err)
	}
	if o.Check != nil {
		if err := o.Check(ctx, tmp); err != nil {
			return Restoration{}, fmt.Errorf("the restored file fails its check: %w", err)
		}
	}
	if err := os.Chmod(tmp, 0o600); err != nil {
		return Restoration{}, err
	}
	f, err := os.Open(tmp)
	if err != nil {
		return Restoration{}, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return Restoration{}, err
	}
	// A log left beside the target by an earlier database would be replayed
	// into this one.
	for _, side := range sidecars(path) {
		if there, err := exists(side); err != nil || there {
			return Restoration{}, errors.Join(fmt.Errorf("%s is in the way", side), err)
		}
	}
	if err := renameNew(tmp, path); err != nil {
		return Restoration{}, err
	}
	return out, syncDir(filepath.Dir(path))
}

// verify runs every check a restored file must pass.
func verify(ctx context.Context, path string, known int) (Restoration, error) {
	if known == 0 {
		steps, err := store.Migrations()
		if err != nil {
			return Restoration{}, err
		}
		known = len(steps)
	}
	h, err := readHeader(path)
	if err != nil {
		return Restoration{}, err
	}
	if h.application != applicationID {
		return Restoration{}, &store.ForeignFileError{Path: path}
	}
	if h.schema > known {
		return Restoration{}, &store.NewerSchemaError{Have: h.schema, Known: known}
	}
	if err := store.CheckFile(ctx, path); err != nil {
		return Restoration{}, err
	}
	// The check opens the file, which is in WAL mode; what that leaves is empty.
	for _, side := range []string{path + "-wal", path + "-shm"} {
		if info, err := os.Stat(side); err == nil && side == path+"-wal" && info.Size() > 0 {
			return Restoration{}, fmt.Errorf("the check left commits in %s", side)
		}
		os.Remove(side)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Restoration{}, err
	}
	return Restoration{Schema: h.schema, Bytes: info.Size()}, nil
}

// A file is restored as <database>.restore-<time> before it gets its name.
const (
	scratchMark = ".restore-"
	scratchTime = "20060102T150405.000000"
)

var scratchSuffixes = []string{"", ".tmp", "-wal", "-shm", "-journal"}

func removeScratch(path string) {
	for _, suffix := range scratchSuffixes {
		os.Remove(path + suffix)
	}
	os.RemoveAll(metaDir(path))
}

// removeStale removes what restores of a database that were killed left behind: the replica has
// it all. A file that somebody else named almost so may be the only one of its kind.
func removeStale(dbPath string) error {
	entries, err := os.ReadDir(filepath.Dir(dbPath))
	if err != nil {
		return err
	}
	for _, e := range entries {
		when, ours := strings.CutPrefix(e.Name(), filepath.Base(dbPath)+scratchMark)
		if !ours {
			continue
		}
		for _, suffix := range scratchSuffixes {
			bare := strings.TrimSuffix(when, suffix)
			if _, err := time.Parse(scratchTime, bare); err == nil {
				removeScratch(dbPath + scratchMark + bare)
			}
		}
	}
	return nil
}
