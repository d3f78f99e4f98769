package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"seaworthy/app/handover"
	"seaworthy/app/ops/install"
	"seaworthy/app/ops/minisign"
	"seaworthy/app/ops/upgrade"
)

type upgradeCmd struct {
	File       string        `arg:"" optional:"" help:"The new binary."`
	Signature  string        `placeholder:"FILE" help:"Its signature by minisign. Default: the file with .minisig behind its name."`
	PublicKey  []string      `placeholder:"KEY" help:"Key of minisign that is trusted, as RW... or as a file; may be given more than once. Default: $$SEAWORTHY_UPGRADE_KEY, or the key that was installed or built in. Where there is one, only signed files are taken."`
	Rollback   bool          `help:"Go back to the binary before, if it can run on the database of now."`
	AllowOlder bool          `help:"Take a release that is older than the one that is installed."`
	DryRun     bool          `help:"Check and try everything, and change nothing."`
	NoReload   bool          `help:"Leave the server that runs alone: its next start is of the new binary."`
	Binary     string        `placeholder:"FILE" help:"The installed binary. Default: this program."`
	Data       string        `env:"SEAWORTHY_DATA" help:"Data folder of the server. Default: that of the installed service, or ./data. ($$SEAWORTHY_DATA)"`
	Unit       string        `default:"seaworthy.service" help:"Unit of systemd that the server may run under."`
	Wait       time.Duration `default:"5m" help:"How long the server may take until it serves with the new binary."`
}

// Help implements kong.HelpProvider.
func (c *upgradeCmd) Help() string {
	return "The file is checked (signature, processor, program, version), tests itself and rehearses its migration on a copy of the database, and takes its place by one rename. " +
		"Then the server goes on with it, without a request refused; if it cannot start there, the binary before goes on by itself, and stays as <binary>.old."
}

// Run upgrades, or goes back.
func (c *upgradeCmd) Run(ctx context.Context, v release) error {
	if (c.File == "") != c.Rollback {
		return errors.New("give the file of the new binary, or --rollback without one")
	}
	u, err := c.upgrade(v)
	if err != nil {
		return err
	}
	if c.Rollback {
		return u.Rollback(ctx)
	}
	return u.Run(ctx)
}

func (c *upgradeCmd) upgrade(v release) (*upgrade.Upgrade, error) {
	service, _ := install.Find("", strings.TrimSuffix(c.Unit, ".service"))
	u := &upgrade.Upgrade{File: c.File, Signature: c.Signature, Unit: c.Unit, AllowOlder: c.AllowOlder, DryRun: c.DryRun, NoReload: c.NoReload, Wait: c.Wait, Out: os.Stdout}
	self, err := handover.Binary()
	if err != nil {
		return nil, err
	}
	if u.Binary, err = named(cmp.Or(c.Binary, self)); err != nil {
		return nil, fmt.Errorf("the installed binary: %w", err)
	}
	if same(u.Binary, handover.Self) {
		u.Version = v.String()
	}
	if u.Data, err = filepath.Abs(cmp.Or(c.Data, service.Data, "data")); err != nil {
		return nil, err
	}
	if u.Keys, err = c.keys(v, service); err != nil {
		return nil, err
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		u.Program = info.Path
	}
	return u, nil
}

// named is a path as the kernel would call the file, but for a link in its last part.
func named(path string) (string, error) {
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return "", err
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

func same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// keys are those that are trusted: the ones of the first place that has any.
func (c *upgradeCmd) keys(v release, service install.Installation) ([]minisign.Key, error) {
	var all []minisign.Key
	for _, text := range c.PublicKey {
		k, err := keyOrFile(text)
		if err != nil {
			return nil, fmt.Errorf("--public-key: %w", err)
		}
		all = append(all, k)
	}
	if len(all) > 0 {
		return all, nil
	}
	if list := os.Getenv("SEAWORTHY_UPGRADE_KEY"); list != "" {
		all, err := minisign.ParseKeys(list)
		if err != nil {
			return nil, fmt.Errorf("SEAWORTHY_UPGRADE_KEY: %w", err)
		}
		return all, nil
	}
	if all, err := installedKeys(service); len(all) > 0 || err != nil {
		return all, err
	}
	all, err := minisign.ParseKeys(v.UpgradeKeys)
	if err != nil {
		return nil, fmt.Errorf("the keys that this program was built with: %w", err)
	}
	return all, nil
}

// keyOrFile reads a key, or the file of that name that holds it.
func keyOrFile(text string) (minisign.Key, error) {
	file, err := os.ReadFile(text)
	if errors.Is(err, fs.ErrNotExist) {
		return minisign.ParseKey(text)
	}
	if err != nil {
		return minisign.Key{}, err
	}
	return minisign.ParseKey(string(file))
}
