package observe

import (
	"os"
	"syscall"

	"seaworthy/store"
)

// Disk asks for the room where a folder lies, in bytes.
func (s *System) Disk(folder string) (free, total int64, err error) { return s.o.Disk(folder) }

// disk asks the system for room, in bytes.
func disk(folder string) (free, total int64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(folder, &st); err != nil {
		return 0, 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize), nil
}

// Telemetry stops while less than a twentieth of the disk is free, between these
// bounds: the business goes on until the last byte.
const (
	leastFloor = 64 << 20
	mostFloor  = 2 << 30
)

// makeRoom deletes the oldest segments beyond what they may take together, and more
// while the disk is nearly full. It returns errNoRoom when that does not help.
func (f *files) makeRoom() error {
	free, total, err := f.o.Disk(f.o.Folder)
	if err != nil {
		return err
	}
	most := f.o.MostBytes
	if most == 0 {
		most = min(2<<30, total/10)
	}
	floor := min(max(total/20, leastFloor), mostFloor)
	numbers, taken := f.numbers(), int64(0)
	sizes := make([]int64, len(numbers))
	for i, n := range numbers {
		if st, err := os.Stat(f.segmentPath(n)); err == nil {
			sizes[i] = st.Size()
			taken += st.Size()
		}
	}
	for i, n := range numbers {
		if taken <= most && free >= floor {
			return nil
		}
		if f.seg != nil && n == f.number {
			if free >= floor {
				return nil // the only one left
			}
			f.seal()
		}
		store.RemoveSide(f.segmentPath(n))
		taken -= sizes[i]
		if free, _, err = f.o.Disk(f.o.Folder); err != nil {
			return err
		}
	}
	if free < floor {
		return errNoRoom
	}
	return nil
}

// removeOldest deletes the oldest segment that is not written, and reports whether there was one.
func (f *files) removeOldest() bool {
	for _, n := range f.numbers() {
		if f.seg == nil || n != f.number {
			store.RemoveSide(f.segmentPath(n))
			return true
		}
	}
	return false
}
