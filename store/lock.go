package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
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
		return nil, &InUseError{Path: dbPath, PID: namedIn(f)}
	}
	// The pid is for people; the lock itself is what excludes.
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return &fileLock{f: f}, nil
}

// namedIn is the process that a lock file names.
func namedIn(f *os.File) string {
	buf := make([]byte, 32)
	n, _ := f.ReadAt(buf, 0)
	return strings.TrimSpace(string(buf[:n]))
}

// Holder is the process that has the database open, 0 if none has. It does not try the
// lock itself: a server that starts at that moment would be refused.
func Holder(dbPath string) (pid int, err error) {
	f, err := os.Open(dbPath + ".lock")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("who has the database: %w", err)
	}
	defer f.Close()
	pid, err = strconv.Atoi(namedIn(f))
	if err != nil {
		return 0, nil // nobody is named after a clean stop
	}
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("who has the database: %w", err)
	}
	// The kernel hands the list out in parts, and one that moves from a part to the one before
	// it meanwhile, because another was let go, is in neither: once is not enough to believe it.
	for range 8 {
		if locks, err := os.ReadFile("/proc/locks"); err != nil || locked(string(locks), pid, info) {
			return pid, nil
		}
	}
	return 0, nil // it died, and the number may be another's now
}

// locked looks for the lock among those of the kernel (proc_locks(5)), which tells the
// process that took it and the inode.
func locked(locks string, pid int, info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	for line := range strings.Lines(locks) {
		f := strings.Fields(line)
		if len(f) > 5 && f[1] == "FLOCK" && f[4] == strconv.Itoa(pid) && strings.HasSuffix(f[5], ":"+strconv.FormatUint(st.Ino, 10)) {
			return true
		}
	}
	return false
}

// release gives the lock up by name: a close alone would leave it for as long as a program that
// is being started at this moment has the descriptor, too.
func (l *fileLock) release() {
	l.f.Truncate(0)
	syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN)
	l.f.Close()
}
