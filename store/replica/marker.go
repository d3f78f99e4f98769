package replica

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// marker lies beside Litestream's local state and says which file and epoch
// that state belongs to. A database that was restored, copied or put back by
// hand has another inode or no marker, and so never goes on in an epoch that
// someone else may be writing.
type marker struct {
	Epoch string `json:"epoch"`
	Inode uint64 `json:"inode"`
}

func markerPath(dbPath string) string { return filepath.Join(metaDir(dbPath), "epoch.json") }

// readMarker returns a zero marker when there is none or it is unreadable.
func readMarker(dbPath string) (marker, error) {
	data, err := os.ReadFile(markerPath(dbPath))
	if errors.Is(err, fs.ErrNotExist) {
		return marker{}, nil
	}
	if err != nil {
		return marker{}, err
	}
	var m marker
	if json.Unmarshal(data, &m) != nil {
		return marker{}, nil
	}
	return m, nil
}

func writeMarker(dbPath, epoch string) error {
	ino, err := inode(dbPath)
	if err != nil {
		return err
	}
	data, err := json.Marshal(marker{Epoch: epoch, Inode: ino})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(metaDir(dbPath), 0o700); err != nil {
		return err
	}
	return writeFile(markerPath(dbPath), data)
}

// forget removes Litestream's local state. The database has everything in it;
// the next sync copies the whole file.
func forget(dbPath string) error {
	if err := os.Remove(markerPath(dbPath)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(filepath.Join(metaDir(dbPath), "ltx"))
}

// writeEnv writes <data>/litestream.env, with which the stock litestream
// command can read the same litestream.yml.
func writeEnv(dbPath, epoch string) error {
	dir := filepath.Dir(dbPath)
	text := EnvData + "=" + quote(dir) + "\n" + EnvEpoch + "=" + quote(epoch) + "\n"
	return writeFile(filepath.Join(dir, "litestream.env"), []byte(text))
}

// quote makes one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
