package replica

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// owner says who a data folder is when it holds a lease: the same after every restart, so
// that a killed process takes its own lease back at once, and another in a copy of the folder,
// which the inode of the file itself tells.
type owner struct {
	ID    string `json:"id"`
	Inode uint64 `json:"inode"`
}

func ownerPath(dbPath string) string {
	return filepath.Join(filepath.Dir(dbPath), "replica-owner.json")
}

// ownerOf returns the id of the folder of a database, and makes one if it has none.
func ownerOf(dbPath string) (string, error) {
	path := ownerPath(dbPath)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read who this is: %w", err)
	}
	var o owner
	if err == nil && json.Unmarshal(data, &o) == nil && o.ID != "" {
		if ino, err := inode(path); err == nil && ino == o.Inode {
			return o.ID, nil
		}
	}
	id := make([]byte, 10)
	rand.Read(id)
	o.ID = strings.ToLower(base32.StdEncoding.EncodeToString(id))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("say who this is: %w", err)
	}
	return o.ID, writeOwner(path, o)
}

// writeOwner writes the file in place, because its inode is part of it.
func writeOwner(path string, o owner) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("say who this is: %w", err)
	}
	defer f.Close()
	if o.Inode, err = inode(path); err != nil {
		return err
	}
	data, err := json.Marshal(o)
	if err == nil {
		_, err = f.Write(append(data, '\n'))
	}
	if err := errors.Join(err, f.Sync()); err != nil {
		return fmt.Errorf("say who this is: %w", err)
	}
	return nil
}

// newLease is the lease of a replica, nil where there is none: only a bucket knows writes
// with a condition.
func newLease(cfg Config, times leaseTimes, patience time.Duration, clock func() time.Time) (*lease, error) {
	if cfg.Replica.Type != "s3" {
		return nil, nil
	}
	b, err := openBucket(cfg.Replica, rootAttempts)
	if err != nil {
		return nil, err
	}
	id, err := ownerOf(cfg.DBPath)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	r := s3Root{rep: cfg.Replica}
	return &lease{bucket: b, key: r.key(leaseName), location: cfg.Replica.Location(), owner: id, host: host,
		clock: clock, times: times, patience: patience}, nil
}
