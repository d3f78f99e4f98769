//go:build faults

package faults

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// tmpfs is a small file system of its own, to fill.
type tmpfs struct {
	t       *testing.T
	dir     string
	ballast *os.File
}

func newTmpfs(t *testing.T) *tmpfs {
	t.Helper()
	dir := t.TempDir()
	need(t, "mount a tmpfs (be root, or run under unshare -rm)", syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=32m"))
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return &tmpfs{t: t, dir: dir}
}

// fill takes what room is left, also when it was called before.
func (d *tmpfs) fill() {
	d.t.Helper()
	if d.ballast == nil {
		f, err := os.Create(filepath.Join(d.dir, "ballast"))
		must(d.t, err)
		d.ballast = f
	}
	for chunk := make([]byte, 256<<10); len(chunk) > 0; {
		if _, err := d.ballast.Write(chunk); errors.Is(err, syscall.ENOSPC) {
			chunk = chunk[:len(chunk)/2]
		} else {
			must(d.t, err)
		}
	}
}

// free gives it back.
func (d *tmpfs) free() {
	d.t.Helper()
	must(d.t, errors.Join(d.ballast.Close(), os.Remove(d.ballast.Name())))
	d.ballast = nil
}
