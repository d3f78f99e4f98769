package outbox

import (
	"encoding/binary"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// notifier tells of changes to a database's files, by inotify(7) on their folder.
// It opens none of them.
type notifier struct {
	C    <-chan struct{} // has one when something changed since it was last emptied
	inot *os.File
	done chan struct{}
}

// rest is the time between two readings: an app that writes without pause makes
// two thousand events a second of it, not a million.
const rest = 500 * time.Microsecond

// notify watches the files of the database at folder/base.
func notify(folder, base string) (*notifier, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	mask := uint32(unix.IN_MODIFY | unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR)
	if _, err := unix.InotifyAddWatch(fd, folder, mask); err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "inotify_add_watch", Path: folder, Err: err}
	}
	c := make(chan struct{}, 1)
	n := &notifier{C: c, inot: os.NewFile(uintptr(fd), "inotify"), done: make(chan struct{})}
	go n.read(base, c)
	return n, nil
}

func (n *notifier) read(base string, c chan<- struct{}) {
	defer close(n.done)
	buf := make([]byte, 64<<10)
	for {
		size, err := n.inot.Read(buf)
		if err != nil {
			return // closed
		}
		if concerns(buf[:size], base) {
			select {
			case c <- struct{}{}:
			default:
			}
		}
		time.Sleep(rest)
	}
}

// concerns reports whether any of the events is about the database's files, or
// about the watch itself. It errs on the side of yes.
func concerns(events []byte, base string) bool {
	for len(events) >= unix.SizeofInotifyEvent {
		size := binary.NativeEndian.Uint32(events[12:])
		if uint64(size) > uint64(len(events)-unix.SizeofInotifyEvent) {
			return true
		}
		name := strings.TrimRight(string(events[unix.SizeofInotifyEvent:][:size]), "\x00")
		if name == "" || name == base || name == base+"-wal" || name == base+"-journal" {
			return true
		}
		events = events[unix.SizeofInotifyEvent+size:]
	}
	return len(events) > 0
}

func (n *notifier) close() {
	n.inot.Close()
	<-n.done
}
