package store

import (
	"bytes"
	"encoding/binary"
	"os"
	"sort"
)

// Sizes of the write-ahead log's headers, in bytes.
const (
	walHeader   = 32
	frameHeader = 24
)

// WALBytes is how much of a database's write-ahead log is in use. The file never
// shrinks, so its size tells nothing after the first checkpoint; but the frames
// in use are those, from the start on, that bear the salts of the log's header
// (https://www.sqlite.org/walformat.html section 2).
func WALBytes(dbPath string) int64 {
	f, err := os.Open(dbPath + "-wal")
	if err != nil {
		return 0
	}
	defer f.Close()
	var head [walHeader]byte
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return 0
	}
	frame := int64(binary.BigEndian.Uint32(head[8:])) + frameHeader
	frames := int((info.Size() - walHeader) / frame)
	used := sort.Search(frames, func(i int) bool {
		var salts [8]byte
		_, err := f.ReadAt(salts[:], walHeader+int64(i)*frame+8)
		return err != nil || !bytes.Equal(salts[:], head[16:24])
	})
	return int64(used) * frame
}
