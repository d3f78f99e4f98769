package command

import (
	"context"
	"os"

	"seaworthy/app/config"
	"seaworthy/app/ops"
)

type doctorCmd struct {
	config.Config `embed:""`
}

func (c *doctorCmd) Run(ctx context.Context) error {
	return ops.Doctor(ctx, c.Config, os.Stdout)
}
