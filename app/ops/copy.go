package ops

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"seaworthy/store"
)

// fewCopies are never deleted, however old: a clock that jumps must not take the last ones.
const fewCopies = 2

// copy makes an independent copy: not by the way of the replica, so that a defect of that one
// does not spoil both. The file is verified before it leaves.
func (s *System) copy(ctx context.Context) (out outcome, err error) {
	if s.Shelf == nil {
		return out, fmt.Errorf("no place for copies is configured: set SEAWORTHY_COPIES")
	}
	dir, err := s.scratch(1.1)
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "copy.db")
	if err := s.DB.CopyTo(ctx, path); err != nil {
		return out, err
	}
	seen, err := checkLog(ctx, path)
	if err != nil {
		return out, fmt.Errorf("verify the audit log of the copy: %w", err)
	}
	out.events = seen.Size
	out.name = copyName(s.DB.Now(), len(s.recipients) > 0)
	body, end := packed(ctx, path, s.recipients)
	out.bytes, err = s.Shelf.Put(ctx, out.name, body)
	if failed := end(); failed != nil && err == nil {
		err = failed
	}
	if err != nil {
		return out, fmt.Errorf("store the copy at %s: %w", s.Shelf, err)
	}
	return out, s.tidy(ctx)
}

// tidy deletes copies that are older than they are kept, and nothing else that lies there.
func (s *System) tidy(ctx context.Context) error {
	all, err := s.Shelf.List(ctx)
	if err != nil {
		return fmt.Errorf("list the copies at %s: %w", s.Shelf, err)
	}
	slices.SortFunc(all, func(a, b Item) int { return b.Made.Compare(a.Made) })
	var gone []string
	for i, item := range all {
		if i < fewCopies || s.DB.Now().Sub(item.Made) <= s.Keep {
			continue
		}
		if err := s.Shelf.Delete(ctx, item.Name); err != nil {
			return fmt.Errorf("delete the old copy %s: %w", item.Name, err)
		}
		gone = append(gone, item.Name)
	}
	if len(gone) == 0 {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return markGone(tx, gone) })
}

// scratch is a folder for a file as large as the database, with room for it: what is for
// safety must not be what fills the disk.
func (s *System) scratch(factor float64) (string, error) {
	info, err := os.Stat(s.DB.Path())
	if err != nil {
		return "", fmt.Errorf("size of the database: %w", err)
	}
	need := int64(float64(info.Size()+store.WALBytes(s.DB.Path()))*factor) + 64<<20
	free, err := freeSpace(s.Data)
	if err != nil {
		return "", err
	}
	if free < need {
		return "", fmt.Errorf("%d MB are free beside the database and %d MB are needed for a while", free>>20, need>>20)
	}
	if err := sweepScratch(s.Data); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(s.Data, scratchPrefix+"*")
	if err != nil {
		return "", fmt.Errorf("folder for the file: %w", err)
	}
	return dir, nil
}

const scratchPrefix = "backup-scratch-"

// sweepScratch removes what a killed process left.
func sweepScratch(data string) error {
	left, err := filepath.Glob(filepath.Join(data, scratchPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove what an earlier run left: %w", err)
		}
	}
	return nil
}

// Run is what became of a copy or a drill.
type Run struct {
	ID     string
	Kind   string
	Began  time.Time
	Took   time.Duration
	Fault  string // "" if it went well
	Name   string
	Bytes  int64
	Events int64
	Gone   time.Time // when the copy was deleted; zero if it is still kept
}

// Good says whether it went well.
func (r Run) Good() bool { return r.Fault == "" }
