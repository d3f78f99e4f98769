package command

import (
	"context"
	"net"
	"os"

	"seaworthy/app"
	"seaworthy/app/config"
	"seaworthy/app/ops"
)

type doctorCmd struct {
	JSON          bool `name:"json" help:"Write JSON for programs, as GET /-/api/v1/launch does."`
	Offline       bool `name:"offline" help:"Ask nobody: neither the DNS, nor the public address, nor the server that runs."`
	config.Config `embed:""`
}

// Help implements kong.HelpProvider.
func (c *doctorCmd) Help() string {
	return "It changes nothing, and works while the server runs and while it does not. Exit code 0: all is well; 1: something wants a look or could not be checked; 2: not fit for production."
}

// Run examines the installation.
func (c *doctorCmd) Run(ctx context.Context) error {
	return ops.Doctor{Sources: app.CheckSources(), JSON: c.JSON, Offline: c.Offline, TXT: net.DefaultResolver.LookupTXT}.Run(ctx, c.Config, os.Stdout)
}
