package install

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed units/*.tmpl
var templates embed.FS

// unitData is what the templates are filled with.
type unitData struct {
	*Installation
	EnvFile     string
	Credentials []string
	State       string // name below /var/lib; "" where the data lie elsewhere
}

// units writes the socket and the service.
func (w *work) units(credentials []string) {
	if w.err != nil {
		return
	}
	d := unitData{Installation: w.i, EnvFile: w.i.envFile(), Credentials: credentials}
	if name, ok := strings.CutPrefix(w.i.Data, "/var/lib/"); ok && !strings.Contains(name, "/") {
		d.State = name
	}
	all, err := template.ParseFS(templates, "units/*.tmpl")
	if err != nil {
		w.fail(err)
		return
	}
	for _, kind := range []string{"socket", "service"} {
		var text bytes.Buffer
		if err := all.ExecuteTemplate(&text, kind+".tmpl", d); err != nil {
			w.fail(err)
			return
		}
		w.renewed = w.file(w.i.unit(kind), text.Bytes(), 0o644) || w.renewed
	}
}

// systemd makes it known, and starts it.
func (w *work) systemd(ctx context.Context) {
	i := w.i
	socket, service := i.Name+".socket", i.Name+".service"
	if i.Root != "" {
		w.link("/etc/systemd/system/sockets.target.wants/"+socket, i.unit("socket"))
		w.link("/etc/systemd/system/multi-user.target.wants/"+service, i.unit("service"))
		return
	}
	if !booted() {
		fmt.Fprintf(i.Out, "        systemd does not run here: when it does, 'systemctl enable --now %s %s'\n", socket, service)
		return
	}
	if w.renewed {
		w.act("have systemd read its units", func() error { return i.systemctl(ctx, "daemon-reload") })
	}
	if _, err := i.Call(ctx, "systemctl", "is-enabled", "--quiet", socket, service); err != nil {
		w.act("start it at boot", func() error { return i.systemctl(ctx, "enable", socket, service) })
	}
	if !i.Start {
		return
	}
	_, err := i.Call(ctx, "systemctl", "is-active", "--quiet", service)
	switch {
	case err != nil:
		w.act("start it", func() error { return i.systemctl(ctx, "start", socket, service) })
	case w.renewed:
		// Those who connect meanwhile wait at the socket.
		w.act("restart it", func() error { return i.systemctl(ctx, "restart", service) })
	default:
		w.same(service + " runs")
	}
}

func (w *work) link(path, to string) {
	if have, err := os.Readlink(w.i.at(path)); err == nil && have == to {
		w.same(path)
		return
	}
	w.act("link "+path, func() error {
		if err := os.MkdirAll(filepath.Dir(w.i.at(path)), 0o755); err != nil {
			return err
		}
		os.Remove(w.i.at(path))
		return os.Symlink(to, w.i.at(path))
	})
}

// booted is sd_booted(3).
func booted() bool {
	_, err := os.Stat("/run/systemd/system")
	return err == nil
}

func (i *Installation) systemctl(ctx context.Context, args ...string) error {
	if out, err := i.Call(ctx, "systemctl", args...); err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
