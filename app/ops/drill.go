package ops

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"seaworthy/store"
	"seaworthy/store/replica"
)

// canary is a row that was sealed: a restored database whose secrets cannot be opened is
// worth little.
const (
	canaryName    = "ops.canary"
	canaryPurpose = "ops/canary"
	canaryText    = "seaworthy"
)

// drill restores the replica as a person would after the loss of the machine, to a file that
// is deleted again, and holds it against what was committed when it began.
func (s *System) drill(ctx context.Context) (out outcome, err error) {
	if s.Replica == nil {
		return out, errors.New("nothing is replicated")
	}
	dir, err := s.scratch(1.2)
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(dir)
	if err := s.plantCanary(ctx); err != nil {
		return out, err
	}
	want, err := s.Events(ctx)
	if err != nil {
		return out, fmt.Errorf("count the events there are: %w", err)
	}
	if err := s.Confirmed(ctx); err != nil {
		return out, fmt.Errorf("wait for the replica: %w", err)
	}
	got, err := replica.Restore(ctx, *s.Replica, filepath.Join(dir, "restored.db"), replica.RestoreOptions{Log: s.Log,
		Check: func(ctx context.Context, path string) error {
			seen, err := checkLog(ctx, path)
			out.events = seen.Size
			if err != nil {
				return err
			}
			// The log is the measure: every change has its event in it, so a log that is complete
			// and verified misses none.
			if out.events < want {
				return fmt.Errorf("the restored log has %d events, but %d were committed when the drill began", out.events, want)
			}
			return s.findCanary(ctx, path)
		}})
	out.name, out.bytes = got.Epoch, got.Bytes
	return out, err
}

// findCanary opens what was sealed, in the restored file.
func (s *System) findCanary(ctx context.Context, path string) error {
	var sealed string
	err := store.ReadFile(ctx, path, func(tx *store.Tx) (err error) { sealed, err = store.Meta(tx, canaryName); return err })
	if err != nil {
		return fmt.Errorf("read what was sealed: %w", err)
	}
	if !s.opens(sealed) {
		return errors.New("what was sealed cannot be opened in the restored file with the master key in use")
	}
	return nil
}

func (s *System) opens(sealed string) bool {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return false
	}
	text, err := s.Keys.Open(canaryPurpose, canaryName, raw)
	return err == nil && string(text) == canaryText
}

// plantCanary seals the row that every drill opens.
func (s *System) plantCanary(ctx context.Context) error {
	have, err := store.Read(ctx, s.DB, func(tx *store.Tx) (string, error) { return store.Meta(tx, canaryName) })
	if err != nil {
		return err
	}
	if s.opens(have) {
		return nil
	}
	sealed := base64.StdEncoding.EncodeToString(s.Keys.Seal(canaryPurpose, canaryName, []byte(canaryText)))
	return s.DB.Write(ctx, func(tx *store.Tx) error { return store.SetMeta(tx, canaryName, sealed) })
}

// freeSpace is how many bytes are free where a folder is.
func freeSpace(folder string) (int64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, fmt.Errorf("room on the disk: %w", err)
	}
	return int64(fs.Bavail) * int64(fs.Bsize), nil
}
