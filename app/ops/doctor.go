// Package ops is for whoever runs the installation: its checks, backups,
// restores and upgrades.
package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"seaworthy/app/config"
	"seaworthy/app/seal"
	"seaworthy/store"
)

// finding is what one check found.
type finding struct {
	level, what string // level: ok, warn, fail
}

// ErrUnwell says that Doctor found something that must be mended.
var ErrUnwell = errors.New("something must be mended")

// Doctor checks an installation, whether the server runs or not, and writes what
// it found to out. It changes nothing.
func Doctor(ctx context.Context, c config.Config, out io.Writer) error {
	unwell := false
	for _, check := range []func(context.Context, *config.Config) []finding{
		checkConfig, checkFolder, checkKeys, checkDatabase, checkSpace, checkClock,
	} {
		for _, f := range check(ctx, &c) {
			fmt.Fprintf(out, "%-5s %s\n", f.level, f.what)
			unwell = unwell || f.level == "fail"
		}
	}
	if unwell {
		return ErrUnwell
	}
	return nil
}

func checkConfig(_ context.Context, c *config.Config) []finding {
	if err := c.Validate(); err != nil {
		var faults *config.FaultError
		if !errors.As(err, &faults) {
			return []finding{{"fail", err.Error()}}
		}
		var all []finding
		for _, f := range faults.Faults {
			all = append(all, finding{"fail", f})
		}
		return all
	}
	if !c.Production() {
		return []finding{{"ok", "configuration: development, because SEAWORTHY_URL is not https://"}}
	}
	all := []finding{{"ok", "configuration: production at " + c.URL}}
	if c.Replica == "off" {
		all = append(all, finding{"warn", "replication is off: losing this disk loses everything"})
	}
	return all
}

func checkFolder(_ context.Context, c *config.Config) []finding {
	info, err := os.Stat(c.Data)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return []finding{{"ok", "data folder: " + c.Data + " does not exist yet; serve makes it"}}
	case err != nil:
		return []finding{{"fail", "data folder: " + err.Error()}}
	case info.Mode().Perm()&0o077 != 0:
		return []finding{{"warn", fmt.Sprintf("data folder: others on this machine can look into %s; run chmod 700 %s", c.Data, c.Data)}}
	}
	return []finding{{"ok", "data folder: " + c.Data}}
}

func checkKeys(_ context.Context, c *config.Config) []finding {
	folder := filepath.Join(c.Data, "keys")
	path := filepath.Join(folder, "master.key")
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(c.Data, "seaworthy.db")); err == nil {
			return []finding{{"fail", "master key: " + path + " is missing; put it back from your backup, or sealed secrets stay unreadable"}}
		}
		return []finding{{"ok", "master key: made at the first start"}}
	}
	if _, err := seal.Load(folder, false); err != nil {
		return []finding{{"fail", err.Error()}}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return []finding{{"fail", "master key: others can read " + path + "; run chmod 600 " + path}}
	}
	all := []finding{{"ok", "master key: readable by you alone; keep a copy of " + path + " somewhere safe, it is in no backup"}}
	return append(all, checkAuditKey(filepath.Join(folder, "audit.key")))
}

// checkAuditKey looks at the key that signs the audit log.
func checkAuditKey(path string) finding {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return finding{"warn", "audit key: " + path + " is missing; put it back from your backup, or the log goes on under a new key that no verifier knows"}
	case err != nil:
		return finding{"fail", "audit key: " + err.Error()}
	case info.Mode().Perm()&0o077 != 0:
		return finding{"fail", "audit key: others can read " + path + " and forge checkpoints; run chmod 600 " + path}
	}
	return finding{"ok", "audit key: readable by you alone; keep a copy, too"}
}

func checkDatabase(ctx context.Context, c *config.Config) []finding {
	path := filepath.Join(c.Data, "seaworthy.db")
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return []finding{{"ok", "database: made at the first start"}}
	}
	started := time.Now()
	if err := store.CheckFile(ctx, path); err != nil {
		return []finding{{"fail", "database: " + err.Error()}}
	}
	all := []finding{{"ok", fmt.Sprintf("database: sound, every page checked in %s", time.Since(started).Round(time.Millisecond))}}
	have, known, err := store.FileSchema(ctx, path)
	switch {
	case err != nil:
		all = append(all, finding{"fail", "schema: " + err.Error()})
	case have > known:
		all = append(all, finding{"fail", (&store.NewerSchemaError{Have: have, Known: known}).Error()})
	case have < known:
		all = append(all, finding{"warn", fmt.Sprintf("schema: %d, this binary brings it to %d at the next start", have, known)})
	default:
		all = append(all, finding{"ok", fmt.Sprintf("schema: %d", have)})
	}
	return all
}

func checkSpace(_ context.Context, c *config.Config) []finding {
	folder := c.Data
	if _, err := os.Stat(folder); err != nil {
		folder = "."
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return []finding{{"warn", "disk: " + err.Error()}}
	}
	free := int64(fs.Bavail) * int64(fs.Bsize)
	if free < lowSpace {
		return []finding{{"warn", fmt.Sprintf("disk: only %d MB free", free>>20)}}
	}
	return []finding{{"ok", fmt.Sprintf("disk: %d GB free", free>>30)}}
}

// checkClock compares the clock with the newest file we know: tokens and leases
// depend on it.
func checkClock(_ context.Context, c *config.Config) []finding {
	info, err := os.Stat(filepath.Join(c.Data, "seaworthy.db-wal"))
	if err == nil && time.Until(info.ModTime()) > time.Minute {
		return []finding{{"fail", "clock: the database was written in the future; set the clock (timedatectl set-ntp true)"}}
	}
	return []finding{{"ok", "clock: " + time.Now().UTC().Format(time.RFC3339)}}
}
