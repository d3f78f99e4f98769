package command

import (
	"context"
	"fmt"

	"seaworthy/app"
	"seaworthy/app/config"
)

type serveCmd struct {
	config.Config `embed:""`
}

func (c *serveCmd) Run(ctx context.Context, v release) error {
	a, err := open(ctx, v, &c.Config)
	if err != nil {
		return err
	}
	return a.Run(ctx, func(s app.Serving) {
		fmt.Printf("Seaworthy %s serves %s\n", v, s.URL)
		if s.Setup != "" {
			fmt.Printf("Make the first operator (this link works once, for 24 hours):\n  %s\n", s.Setup)
		}
		if !c.Production() && !c.HasMail() {
			fmt.Printf("Mail goes to the development inbox:\n  %s/-/dev/inbox\n", s.URL)
		}
	})
}
