package install

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
)

// Uninstall takes the units and the binary away. The data, the settings and the keys stay,
// unless purge is the name of the installation: nothing brings those back.
func (i *Installation) Uninstall(ctx context.Context, purge string) error {
	if purge != "" && purge != i.Name {
		return fmt.Errorf("--purge deletes every customer and every key of this installation: type its name to mean it, which is %s", i.Name)
	}
	if err := i.check(); err != nil {
		return err
	}
	w := &work{i: i}
	socket, service := i.Name+".socket", i.Name+".service"
	if i.Root == "" && booted() && there(i.unit("service")) {
		w.act("stop it, and start it no more", func() error { return i.systemctl(ctx, "disable", "--now", socket, service) })
	}
	for _, path := range []string{"/etc/systemd/system/sockets.target.wants/" + socket, "/etc/systemd/system/multi-user.target.wants/" + service,
		i.unit("service"), i.unit("socket"), "/etc/sysusers.d/" + i.Name + ".conf", i.Binary, i.Binary + ".old", i.Binary + ".new"} {
		if there(i.at(path)) {
			w.act("remove "+path, func() error { return os.Remove(i.at(path)) })
		}
	}
	if i.Root == "" && booted() && w.changed > 0 {
		w.act("have systemd read its units", func() error { return i.systemctl(ctx, "daemon-reload") })
	}
	// Whoever installs it again finds everything as it was.
	if purge == "" {
		for _, path := range []string{i.Data, i.folder()} {
			if there(i.at(path)) {
				w.same(path + ", which stays")
			}
		}
	} else {
		w.purge(ctx)
	}
	if w.err == nil {
		w.end()
	}
	return w.err
}

// purge deletes what cannot be had again.
func (w *work) purge(ctx context.Context) {
	i := w.i
	for _, path := range []string{i.Data, i.folder()} {
		if there(i.at(path)) {
			w.act("delete "+path+" with all that is in it", func() error { return os.RemoveAll(i.at(path)) })
		}
	}
	if _, err := user.Lookup(i.User); err != nil || i.Root != "" {
		return
	}
	w.act("remove the user "+i.User, func() error {
		if out, err := i.Call(ctx, "userdel", i.User); err != nil {
			return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
		}
		return nil
	})
}

// Find fills in what the service of that name was installed with: where its binary and its
// data are, and which keys its releases are signed with. ok is false if there is none.
func Find(root, name string) (i Installation, ok bool) {
	i = Installation{Root: root, Name: name}
	text, err := os.ReadFile(i.at(i.unit("service")))
	if err != nil {
		return i, false
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if rest, ok := bytes.CutPrefix(line, []byte("ExecStart=")); ok {
			i.Binary = string(bytes.TrimSuffix(rest, []byte(" serve")))
		}
		if rest, ok := bytes.CutPrefix(line, []byte("Environment=SEAWORTHY_DATA=")); ok {
			i.Data = string(rest)
		}
		if rest, ok := bytes.CutPrefix(line, []byte("User=")); ok {
			i.User = string(rest)
		}
	}
	if keys, err := os.ReadFile(i.at(i.keyFile())); err == nil {
		i.Keys = string(keys)
	}
	return i, filepath.IsAbs(i.Binary) && filepath.IsAbs(i.Data)
}
