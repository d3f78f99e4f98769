package replica

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// fileRoot is a folder on a disk of this machine.
type fileRoot struct {
	dir      string
	patience time.Duration
}

func (r fileRoot) get(ctx context.Context, name string) ([]byte, string, error) {
	data, err := within(ctx, r.patience, "read "+name, func(context.Context) ([]byte, error) {
		return os.ReadFile(filepath.Join(r.dir, name))
	})
	return data, tagOf(data), err
}

// put writes beside the object and renames. Between the look at the old
// version and the rename another process could slip in; the id in every
// epoch's name keeps even that from mixing two histories.
func (r fileRoot) put(ctx context.Context, name string, data []byte, tag string) error {
	_, err := within(ctx, r.patience, "write "+name, func(context.Context) (struct{}, error) {
		return struct{}{}, r.replace(filepath.Join(r.dir, name), data, tag)
	})
	return err
}

func (r fileRoot) replace(path string, data []byte, tag string) error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if (err == nil) != (tag != "") || (err == nil && tagOf(old) != tag) {
		return errChanged
	}
	if tag == "" {
		return writeNew(path, data)
	}
	return writeFile(path, data)
}

// list fails when the folder is not there only if its parent is not either:
// an unmounted disk must not look like an empty replica.
func (r fileRoot) list(ctx context.Context) ([]string, error) {
	return within(ctx, r.patience, "list "+r.dir, func(context.Context) ([]string, error) {
		entries, err := os.ReadDir(r.dir)
		if errors.Is(err, fs.ErrNotExist) {
			if _, err := os.Stat(filepath.Dir(r.dir)); err != nil {
				return nil, err
			}
			return nil, nil
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names, err
	})
}

func (r fileRoot) close() {}

func tagOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// writeNew creates a file whole, or fails with errChanged when it exists.
func writeNew(path string, data []byte) error {
	tmp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, path); errors.Is(err, fs.ErrExist) {
		return errChanged
	} else if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writeFile replaces a file whole and durably.
func writeFile(path string, data []byte) error {
	tmp, err := writeTemp(path, data)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return err
	}
	return syncDir(filepath.Dir(path))
}

func writeTemp(path string, data []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return f.Name(), nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
