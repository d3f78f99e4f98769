package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"seaworthy/app/bench"
)

type benchCmd struct {
	Only    []string      `placeholder:"AREA,..." help:"Measure only these: process, store, jobs, audit, flags, api, auth, billing, proxy, upgrade, loss."`
	For     time.Duration `default:"5s" help:"How long each load runs, 100ms to 10m."`
	Clients int           `default:"64" help:"How many clients ask at the same time, 1 to 1024."`
	Kills   int           `default:"5" help:"How often the process is killed to see what is lost, 1 to 1000."`
	Swaps   int           `default:"5" help:"How often the binary is replaced under load, 1 to 100."`
	Folder  string        `help:"Where to make the databases: what matters is its disk. Default: the folder for temporary files."`
	JSON    string        `name:"json" placeholder:"FILE" help:"Write the figures to a file as well."`
}

// Validate implements kong's check.
func (c *benchCmd) Validate() error {
	switch {
	case c.For < 100*time.Millisecond || c.For > 10*time.Minute:
		return errors.New("--for is from 100ms to 10m")
	case c.Clients < 1 || c.Clients > 1024:
		return errors.New("--clients is from 1 to 1024")
	case c.Kills < 1 || c.Kills > 1000:
		return errors.New("--kills is from 1 to 1000")
	case c.Swaps < 1 || c.Swaps > 100:
		return errors.New("--swaps is from 1 to 100")
	}
	return nil
}

// Help implements kong.HelpProvider.
func (c *benchCmd) Help() string {
	var b strings.Builder
	b.WriteString("Runs the whole app in fresh folders, which are removed afterwards, and nothing of your installation. The clients are on the same machine and share its cores: do nothing else meanwhile.\n\n")
	names, about := bench.Areas()
	for i, name := range names {
		fmt.Fprintf(&b, "%s: %s.\n\n", name, about[i])
	}
	return b.String()
}

func (c *benchCmd) Run(ctx context.Context, v release) (err error) {
	binary, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	folder, err := os.MkdirTemp(c.Folder, "seaworthy-bench-")
	if err != nil {
		return fmt.Errorf("make a folder to measure in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	report, err := bench.Run(ctx, bench.Options{Folder: folder, For: c.For, Clients: c.Clients, Kills: c.Kills, Swaps: c.Swaps, Only: c.Only,
		Binary: binary, Hash: hashCommand(), Version: v.String(), Progress: os.Stderr})
	if err != nil {
		return err
	}
	if err := report.Print(os.Stdout); err != nil {
		return err
	}
	if c.JSON == "" {
		return nil
	}
	raw, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	return os.WriteFile(c.JSON, append(raw, '\n'), 0o644)
}
