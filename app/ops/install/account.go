package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
)

// user makes the user that the server runs as. Under another root systemd-sysusers(8) makes
// him when that machine starts.
func (w *work) user(ctx context.Context) {
	i := w.i
	if i.Root != "" {
		w.file("/etc/sysusers.d/"+i.Name+".conf", fmt.Appendf(nil, "u %s - \"Seaworthy\" %s\n", i.User, i.Data), 0o644)
		return
	}
	if _, err := user.Lookup(i.User); err == nil {
		w.same("the user " + i.User)
		return
	}
	w.act("make the user "+i.User, func() error {
		out, err := i.Call(ctx, "useradd", "--system", "--user-group", "--home-dir", i.Data, "--no-create-home", "--shell", "/usr/sbin/nologin", i.User)
		if err != nil {
			return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
		}
		return nil
	})
}

// give makes the user the owner. Under another root systemd does so, by StateDirectory=.
func (w *work) give(path string, own bool) error {
	if !own || w.i.Root != "" {
		return nil
	}
	u, err := user.Lookup(w.i.User)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, gid)
}

// binary copies this program to its place. Another release there is not replaced: that is
// what upgrades are for.
func (w *work) binary() {
	at := w.i.at(w.i.Binary)
	there, err := os.Stat(at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.fail(err)
		return
	}
	if err != nil {
		w.act("copy this program to "+w.i.Binary+" (0755)", func() error {
			text, err := os.ReadFile(w.i.Source)
			if err != nil {
				return err
			}
			return replace(at, text, 0o755)
		})
		return
	}
	if same, err := sameContent(w.i.Source, at); err != nil || !same {
		w.fail(errors.Join(fmt.Errorf("%s is another release than this program: 'seaworthy upgrade FILE' puts a new one in its place", w.i.Binary), err))
		return
	}
	if there.Mode().Perm()&0o022 != 0 {
		w.act("take the right to write to "+w.i.Binary+" from others", func() error { return os.Chmod(at, 0o755) })
		return
	}
	w.same(w.i.Binary)
}

func sameContent(a, b string) (bool, error) {
	x, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	y, err := os.Stat(b)
	if err != nil || os.SameFile(x, y) || x.Size() != y.Size() {
		return err == nil && os.SameFile(x, y), err
	}
	one, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	two, err := os.ReadFile(b)
	return bytes.Equal(one, two), err
}
