package upgrade

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// place is the folder of the installed binary, in which one upgrade works at a time.
type place struct {
	folder *os.File
	was    os.FileInfo // the installed binary
	binary string
}

// hold takes the folder for this upgrade alone.
func hold(binary string) (*place, error) {
	info, err := os.Lstat(binary)
	if err != nil {
		return nil, fmt.Errorf("the installed binary: %w", err)
	}
	if info.Mode()&os.ModeSymlink != 0 {
		to, err := os.Readlink(binary)
		return nil, errors.Join(fmt.Errorf("%s is a link to %s: make it point to the new file and reload the server, or name the file itself with --binary", binary, to), err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", binary)
	}
	folder, err := os.Open(filepath.Dir(binary))
	if err != nil {
		return nil, fmt.Errorf("the folder of the installed binary: %w", err)
	}
	if err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		folder.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another upgrade is under way there")
		}
		return nil, fmt.Errorf("%s: %w", filepath.Dir(binary), err)
	}
	return &place{folder: folder, was: info, binary: binary}, nil
}

// release gives the folder back, also from a child that has not begun to be another program.
func (p *place) release() {
	syscall.Flock(int(p.folder.Fd()), syscall.LOCK_UN)
	p.folder.Close()
}

func (p *place) sync() error { return p.folder.Sync() }

// mostBinary is how large a binary may be, in bytes.
const mostBinary = 512 << 20

// stage writes the file beside the binary, whole on the disk, with its owner and mode. All
// that follows is done with this copy: the file itself may change under us.
func (p *place) stage(file, to string) error {
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > mostBinary {
		return fmt.Errorf("%s is no file, or larger than %d MB", file, mostBinary>>20)
	}
	if os.SameFile(info, p.was) {
		return fmt.Errorf("%s is the binary that is installed", file)
	}
	// What a killed upgrade left may be executed by somebody: it is not written into.
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("write beside the binary: %w", err)
	}
	// A file that anybody has open for writing cannot be run, and a child that is started
	// meanwhile has it open until its exec.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return fmt.Errorf("write beside the binary: %w", err)
	}
	_, err = io.Copy(out, io.LimitReader(from, mostBinary))
	if err = errors.Join(err, p.dress(out), out.Sync(), out.Close()); err != nil {
		return errors.Join(fmt.Errorf("write beside the binary: %w", err), os.Remove(to))
	}
	return nil
}

// dress gives a file the owner, the mode and the capabilities of the installed binary: one
// that may bind ports below 1024 by a capability must still do so.
func (p *place) dress(f *os.File) error {
	st, ok := p.was.Sys().(*syscall.Stat_t)
	if ok && os.Geteuid() == 0 {
		if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
			return err
		}
	}
	if err := f.Chmod(p.was.Mode().Perm() | 0o100); err != nil {
		return err
	}
	return copyCapabilities(p.binary, f)
}

// capabilities is the attribute in which the kernel keeps those of a file (xattr(7)).
const capabilities = "security.capability"

func copyCapabilities(from string, to *os.File) error {
	held := make([]byte, 256)
	n, err := unix.Getxattr(from, capabilities, held)
	if err != nil || n == 0 {
		return nil // it has none, or this file system keeps none
	}
	if err := unix.Fsetxattr(int(to.Fd()), capabilities, held[:n], 0); err != nil {
		return fmt.Errorf("give it the capabilities of the installed binary (as root, or 'setcap' afterwards): %w", err)
	}
	return nil
}
