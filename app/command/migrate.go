package command

import (
	"context"
	"fmt"

	"seaworthy/app"
	"seaworthy/app/config"
)

type migrateCmd struct {
	Check  bool    `help:"Try it on a verified copy alone, whether a server runs or not. The database stays as it is."`
	Config options `embed:""`
}

// options are config.Config as the command line has it, not validated by the parser: for a
// trial it matters where the database lies, and nothing else that a unit may set.
type options config.Config

func (c *migrateCmd) Run(ctx context.Context, v release) error {
	if c.Check {
		what, err := app.Rehearse(ctx, c.Config.Data, v.String(), v.Own)
		if err == nil {
			fmt.Println(what)
		}
		return err
	}
	cfg := config.Config(c.Config)
	a, err := open(ctx, v, &cfg)
	if err != nil {
		return err
	}
	fmt.Println("The schema is up to date.")
	return a.Close()
}
