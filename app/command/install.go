package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"seaworthy/app/config"
	"seaworthy/app/handover"
	"seaworthy/app/ops/install"
	"seaworthy/app/ops/minisign"
)

// placing is what is installed where.
type placing struct {
	Name   string `default:"seaworthy" help:"Name of the units, and of the folder in /etc."`
	Root   string `placeholder:"DIR" help:"Work in the tree below that folder, for an image of another machine; nothing is started."`
	DryRun bool   `help:"Say what would be done, and do nothing."`
}

type installCmd struct {
	Settings   []string `arg:"" optional:"" placeholder:"NAME=VALUE" help:"Variables of 'serve' for the environment file, as SEAWORTHY_URL=https://app.example.com. NAME alone is taken from this environment, so that a secret is in no list of processes."`
	placing    `embed:""`
	User       string   `help:"User and group that the server runs as. Default: the name of the units."`
	Binary     string   `default:"/usr/local/bin/seaworthy" help:"Where this program is copied to."`
	Data       string   `help:"Data folder. Default: /var/lib/ and the name of the units."`
	UpgradeKey []string `placeholder:"KEY" help:"Public key of minisign, as RW... or as a file: 'seaworthy upgrade' takes files that are signed with it alone. May be given twice."`
	NoStart    bool     `help:"Do not start or restart it."`
}

// Help implements kong.HelpProvider.
func (c *installCmd) Help() string {
	return "It makes a user, folders, an environment file that root alone can read, and a socket and a service of systemd, hardened, with the keys as credentials; each act is printed. " +
		"What is as it should be stays: run it again to change a setting. 'uninstall' takes it away and leaves the data."
}

// Run installs.
func (c *installCmd) Run(ctx context.Context, v release) error {
	i := c.installation()
	i.User, i.Binary, i.Data, i.Start = cmp.Or(c.User, c.Name), c.Binary, cmp.Or(c.Data, "/var/lib/"+c.Name), !c.NoStart
	i.Source = handover.Self
	var err error
	if i.Settings, err = settings(c.Settings); err != nil {
		return err
	}
	if i.Keys, err = c.keys(); err != nil {
		return err
	}
	if i.Listen, err = listens(i); err != nil {
		return err
	}
	if c.Root == "" && os.Geteuid() != 0 && !c.DryRun {
		return errors.New("only root can install: run it with sudo, or with --dry-run to see what it would do")
	}
	return i.Run(ctx)
}

func (p placing) installation() *install.Installation {
	i := &install.Installation{Name: p.Name, DryRun: p.DryRun, Out: os.Stdout, Call: call}
	if p.Root != "" {
		i.Root, _ = filepath.Abs(p.Root)
	}
	return i
}

func call(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	out, err := cmd.Output()
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return append(out, e.Stderr...), err
	}
	return out, err
}

// settings reads NAME=value, or NAME for what this environment has.
func settings(given []string) (all []install.Setting, err error) {
	known := map[string]bool{}
	for _, o := range config.Options() {
		known[o.Var], known[o.Var+"_FILE"] = true, true
	}
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			if value, ok = os.LookupEnv(name); !ok {
				return nil, fmt.Errorf("%s is not set in this environment: give %s=VALUE", name, name)
			}
		}
		if strings.HasPrefix(name, "SEAWORTHY_") && !known[name] {
			return nil, fmt.Errorf("%s is not an option: 'seaworthy serve --help' lists them", name)
		}
		if name == "SEAWORTHY_DATA" {
			return nil, errors.New("the data folder is given with --data")
		}
		all = append(all, install.Setting{Name: name, Value: value})
	}
	return all, nil
}

func (c *installCmd) keys() (string, error) {
	var all []string
	for _, text := range c.UpgradeKey {
		k, err := keyOrFile(text)
		if err != nil {
			return "", fmt.Errorf("--upgrade-key: %w", err)
		}
		all = append(all, k.String())
	}
	return strings.Join(all, " "), nil
}

// listens validates what the server will be started with, and says where systemd has to
// listen for it.
func listens(i *install.Installation) (all []string, err error) {
	vars, err := i.Current()
	if err != nil {
		return nil, err
	}
	c, err := config.Load(func(name string) (string, bool) {
		if name == "SEAWORTHY_DATA" {
			return filepath.Join("/", i.Root, i.Data), true
		}
		value, ok := vars[name]
		return value, ok
	})
	if err != nil {
		return nil, err
	}
	addrs := []string{c.Addr}
	if c.HasTLS() && c.Redirect != "off" {
		addrs = append(addrs, c.Redirect)
	}
	for _, addr := range addrs {
		host, port, err := net.SplitHostPort(addr)
		if err != nil || host != "" && net.ParseIP(host) == nil {
			return nil, fmt.Errorf("systemd cannot listen on %s: give an address by its numbers, as 127.0.0.1:8080, or :443 for all", addr)
		}
		if host == "" {
			addr = port
		}
		all = append(all, addr)
	}
	return all, nil
}

type uninstallCmd struct {
	placing `embed:""`
	Purge   string `placeholder:"NAME" help:"Delete the data, the settings and the keys as well. The name of the installation says that you mean it."`
}

// Run takes an installation away.
func (c *uninstallCmd) Run(ctx context.Context) error {
	i, ok := install.Find(c.installation().Root, c.Name)
	switch {
	case !ok && c.Purge == "":
		return fmt.Errorf("no %s.service is installed here", c.Name)
	case !ok: // it was uninstalled before, and its data stayed
		i.User, i.Binary, i.Data = c.Name, "/usr/local/bin/"+c.Name, "/var/lib/"+c.Name
	}
	if c.Root == "" && os.Geteuid() != 0 && !c.DryRun {
		return errors.New("only root can uninstall: run it with sudo, or with --dry-run to see what it would do")
	}
	i.DryRun, i.Out, i.Call = c.DryRun, os.Stdout, call
	return i.Uninstall(ctx, c.Purge)
}

// installedKeys are the keys of minisign that were installed with a service.
func installedKeys(i install.Installation) ([]minisign.Key, error) {
	all, err := minisign.ParseKeys(i.Keys)
	if err != nil {
		return nil, fmt.Errorf("/etc/%s/upgrade.pub: %w", i.Name, err)
	}
	return all, nil
}
