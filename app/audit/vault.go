package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Vault keeps small facts outside of the database, where they survive a restore
// of an older one: the largest signed checkpoint and the erasures.
type Vault interface {
	// Get returns fs.ErrNotExist for a name that was never put.
	Get(ctx context.Context, name string) ([]byte, error)
	// Put returns when the data is durable.
	Put(ctx context.Context, name string, data []byte) error
}

// The names in a vault.
const (
	anchorName   = "audit-checkpoint"
	erasuresName = "audit-erasures"
)

// Folder is a vault in a folder of this machine.
type Folder string

// Get implements Vault.
func (f Folder) Get(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), name))
}

// Put implements Vault: the file is replaced whole.
func (f Folder) Put(_ context.Context, name string, data []byte) error {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	path := filepath.Join(string(f), name)
	file, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	dir, err := os.Open(string(f))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// memory is the vaults that a start asks. Those beyond this machine may be slow
// or away, and know more than the first one only where the database was restored
// or the first is new.
func (s *System) memory(ctx context.Context) []Vault {
	if known, err := recall(ctx, s.Vaults[0], anchorName); err == nil && known != nil && !s.Restored {
		return s.Vaults[:1]
	}
	return s.Vaults
}

// recall reads a fact from a vault, nil when it holds none.
func recall(ctx context.Context, v Vault, name string) ([]byte, error) {
	data, err := v.Get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}
