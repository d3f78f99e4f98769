package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Identity tells one binary file from another without reading it: a file that is put in
// its place, or touched, has another; a copy that keeps the time has the same.
type Identity struct {
	Size     int64 `json:"size"`
	Modified int64 `json:"modified"` // ns since 1970
}

// Identify is the identity of the file at path.
func Identify(path string) (Identity, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Identity{}, err
	}
	return Identity{Size: info.Size(), Modified: info.ModTime().UnixNano()}, nil
}

// Boot is what a data folder knows of the binaries that were started on it. It lies in
// boot.json, so that a start can see how the one before it ended.
type Boot struct {
	Attempt *Attempt `json:"attempt,omitempty"` // a start that has not served yet
	Served  Identity `json:"served"`            // the last binary that served
	Refused Identity `json:"refused"`           // one that could not start; the old one runs in its place
	Why     string   `json:"why,omitempty"`     // it was refused

	path string
}

// Attempt is a start that is under way, or that ended before it served.
type Attempt struct {
	Binary Identity  `json:"binary"`
	At     time.Time `json:"at"`
	Schema int       `json:"schema"` // of the database before; 0: there was none
	Begun  bool      `json:"begun"`  // jobs or requests may have run: the database stays as it is
}

// ReadBoot reads the boot file of a data folder; one that is missing or torn knows nothing.
func ReadBoot(data string) (*Boot, error) {
	b := &Boot{path: filepath.Join(data, "boot.json")}
	text, err := os.ReadFile(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("boot file: %w", err)
	}
	if json.Unmarshal(text, b) != nil {
		*b = Boot{path: b.path}
	}
	return b, nil
}

// Save writes it durably.
func (b *Boot) Save() error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(b.path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("boot file: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("boot file: %w", err)
	}
	if err := os.Rename(b.path+".tmp", b.path); err != nil {
		return fmt.Errorf("boot file: %w", err)
	}
	folder, err := os.Open(filepath.Dir(b.path))
	if err == nil {
		err = errors.Join(folder.Sync(), folder.Close()) // the name is durable, too
	}
	if err != nil {
		return fmt.Errorf("boot file: %w", err)
	}
	return nil
}

// Proven reports whether a binary has served on this folder before. Such a one is never
// given up: what is wrong now is something else.
func (b *Boot) Proven(id Identity) bool { return b.Served == id }

// Crashed reports whether the last start was of this binary and ended before it served
// without a word, as by a crash. What has served before is not suspected.
func (b *Boot) Crashed(id Identity) bool {
	return b.Attempt != nil && b.Attempt.Binary == id && !b.Proven(id)
}

// Former is the binary to return to from the one at path: the file beside it, if that is
// what served last on this folder, or if nothing is known. "" if there is none.
func (b *Boot) Former(path string) string {
	old, err := Identify(Old(path))
	if err != nil || b.Served != (Identity{}) && b.Served != old {
		return ""
	}
	if now, err := Identify(path); err == nil && now == old {
		return ""
	}
	return Old(path)
}
