package replica

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/benbjohnson/litestream"
)

// sidecars are the files that may hold commits the database file lacks.
func sidecars(dbPath string) []string {
	return []string{dbPath + "-wal", dbPath + "-shm", dbPath + "-journal", metaDir(dbPath)}
}

// metaDir is where Litestream keeps its state (litestream.NewDB).
func metaDir(dbPath string) string {
	dir, file := filepath.Split(dbPath)
	return filepath.Join(dir, "."+file+litestream.MetaDirSuffix)
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// linkNew moves a file to a new name where an exclusive rename is not to be had.
func linkNew(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// inode is the number the file system knows a file by: a file copied or put in
// its place has another.
func inode(path string) (uint64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino, nil
	}
	return 0, nil
}

// freeBytes is the room left to us on the file system of path.
func freeBytes(path string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// header are the numbers at the start of a database file
// (https://www.sqlite.org/fileformat.html section 1.3).
type header struct {
	schema      int    // user_version
	application uint32 // application_id
}

func readHeader(path string) (header, error) {
	f, err := os.Open(path)
	if err != nil {
		return header{}, err
	}
	defer f.Close()
	var b [100]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return header{}, fmt.Errorf("%s is not a database: %w", path, err)
	}
	return header{schema: int(binary.BigEndian.Uint32(b[60:])), application: binary.BigEndian.Uint32(b[68:])}, nil
}
