package store

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// InUseError says that another process has the database open.
type InUseError struct {
	Path string // the database file
	PID  string // the holder as its lock file names it; may be empty
}

func (e *InUseError) Error() string {
	who := "another process"
	if e.PID != "" {
		who = "process " + e.PID
	}
	return fmt.Sprintf("%s is in use by %s: only one seaworthy may run on a database; stop it first, or choose another --data folder", e.Path, who)
}

// fileLock is an exclusive flock(2) on "<database>.lock". The kernel drops it
// when the process ends, however it ends; the file stays.
type fileLock struct{ f *os.File }

// lockFile takes the lock without waiting, or returns an *InUseError.
func lockFile(dbPath string) (*fileLock, error) {
	f, err := os.OpenFile(dbPath+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		buf := make([]byte, 32)
		n, _ := f.ReadAt(buf, 0)
		return nil, &InUseError{Path: dbPath, PID: strings.TrimSpace(string(buf[:n]))}
	}
	// The pid is for people; the lock itself is what excludes.
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return &fileLock{f: f}, nil
}

func (l *fileLock) release() {
	l.f.Truncate(0)
	l.f.Close()
}
