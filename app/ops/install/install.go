// Package install makes a machine run Seaworthy under systemd: a user, folders, the binary,
// an environment file, keys as credentials, and hardened units (spec/storage.md section 4);
// and takes all of that away again.
package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Installation says what is installed where. Name, User, Binary, Data and Out are needed.
type Installation struct {
	Root     string    // in front of every path; "" for this machine itself
	Name     string    // of the units
	User     string    // and group that the server runs as
	Binary   string    // where the binary goes
	Data     string    // the data folder
	Source   string    // the binary that is copied
	Listen   []string  // what the socket listens on, as systemd writes it; the first is served, the second redirects
	Settings []Setting // for the environment file
	Keys     string    // of minisign, that releases are signed with; "" for none
	Start    bool
	DryRun   bool
	Out      io.Writer

	// Call runs a program of the system, as systemctl.
	Call func(ctx context.Context, program string, args ...string) ([]byte, error)
}

// Setting is a line of the environment file.
type Setting struct{ Name, Value string }

var (
	unitName    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)
	cleanPath   = regexp.MustCompile(`^/[A-Za-z0-9._/-]+$`)
	settingName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,100}$`)
)

// check refuses what the units could not say.
func (i *Installation) check() error {
	for what, name := range map[string]string{"name": i.Name, "user": i.User} {
		if !unitName.MatchString(name) {
			return fmt.Errorf("the %s must be small letters, digits and -, not %q", what, name)
		}
	}
	for what, path := range map[string]string{"binary": i.Binary, "data folder": i.Data} {
		if !cleanPath.MatchString(path) || filepath.Clean(path) != path || path == "/" {
			return fmt.Errorf("the path of the %s must be absolute and plain, not %q", what, path)
		}
	}
	for _, s := range i.Settings {
		if !settingName.MatchString(s.Name) || strings.ContainsFunc(s.Value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fmt.Errorf("%s cannot be written to an environment file", s.Name)
		}
	}
	return nil
}

// at is where a path of the installed machine lies on this one.
func (i *Installation) at(path string) string { return filepath.Join("/", i.Root, path) }

func (i *Installation) folder() string  { return filepath.Join("/etc", i.Name) }
func (i *Installation) envFile() string { return filepath.Join(i.folder(), i.Name+".env") }
func (i *Installation) keyFile() string { return filepath.Join(i.folder(), "upgrade.pub") }
func (i *Installation) unit(kind string) string {
	return filepath.Join("/etc/systemd/system", i.Name+"."+kind)
}

// Run installs. What is there as it should be stays; each thing that is changed is told.
func (i *Installation) Run(ctx context.Context) error {
	if err := i.check(); err != nil {
		return err
	}
	w := &work{i: i}
	w.user(ctx)
	w.directory(i.folder(), 0o755, false) // what is in it is closed one by one: upgrades read the public key
	w.directory(i.Data, 0o700, true)
	w.binary()
	w.environment()
	if i.Keys != "" {
		w.file(i.keyFile(), []byte(strings.Join(strings.Fields(strings.ReplaceAll(i.Keys, ",", " ")), "\n")+"\n"), 0o644)
	}
	credentials := w.credentials(ctx)
	w.units(credentials)
	w.systemd(ctx)
	if w.err == nil {
		w.end()
	}
	return w.err
}

// work is one run, which stops doing things at the first that fails.
type work struct {
	i       *Installation
	changed int
	renewed bool // a unit or the environment: a server that runs does not know it yet
	err     error
}

// act does something and tells of it. In a dry run it only tells.
func (w *work) act(what string, do func() error) {
	if w.err != nil {
		return
	}
	w.changed++
	if w.i.DryRun {
		fmt.Fprintln(w.i.Out, "would   "+what)
		return
	}
	if err := do(); err != nil {
		w.err = fmt.Errorf("%s: %w", what, err)
		return
	}
	fmt.Fprintln(w.i.Out, "did     "+what)
}

// same tells of what needs nothing.
func (w *work) same(what string) {
	if w.err == nil {
		fmt.Fprintln(w.i.Out, "as is   "+what)
	}
}

func (w *work) end() {
	switch {
	case w.i.DryRun && w.changed > 0:
		fmt.Fprintf(w.i.Out, "Nothing was changed: this was a dry run of %d acts.\n", w.changed)
	case w.changed == 0:
		fmt.Fprintln(w.i.Out, "Everything is as it should be.")
	}
}

// directory makes a folder with a mode; own says that it is the user's.
func (w *work) directory(path string, mode fs.FileMode, own bool) {
	at := w.i.at(path)
	info, err := os.Stat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.act(fmt.Sprintf("make the folder %s (%04o)", path, mode), func() error {
			if err := os.MkdirAll(at, 0o755); err != nil {
				return err
			}
			return errors.Join(os.Chmod(at, mode), w.give(at, own))
		})
	case err != nil:
		w.fail(err)
	case !info.IsDir():
		w.fail(fmt.Errorf("%s is no folder", path))
	case info.Mode().Perm() != mode:
		w.act(fmt.Sprintf("set the mode of %s from %04o to %04o", path, info.Mode().Perm(), mode), func() error { return os.Chmod(at, mode) })
	default:
		w.same("the folder " + path)
	}
}

func (w *work) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// file writes a file whole, unless it says that already. It reports whether it had to.
func (w *work) file(path string, text []byte, mode fs.FileMode) bool {
	at := w.i.at(path)
	have, err := os.ReadFile(at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.fail(err)
		return false
	}
	info, statErr := os.Stat(at)
	if err == nil && statErr == nil && string(have) == string(text) && info.Mode().Perm() == mode {
		w.same(path)
		return false
	}
	verb := "write"
	if err == nil {
		verb = "change"
	}
	w.act(fmt.Sprintf("%s %s (%04o)", verb, path, mode), func() error { return replace(at, text, mode) })
	return true
}

// replace puts a file in place by a rename, so that nobody reads half of it.
func replace(path string, text []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	tmp := path + ".tmp"
	os.Remove(tmp)
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, path)
}
