package command

import (
	"context"
	"fmt"

	"seaworthy/app/config"
)

type migrateCmd struct {
	config.Config `embed:""`
}

func (c *migrateCmd) Run(ctx context.Context, v release) error {
	a, err := open(ctx, v, &c.Config)
	if err != nil {
		return err
	}
	fmt.Println("The schema is up to date.")
	return a.Close()
}
