package command

import (
	"context"
	"errors"
	"fmt"

	"seaworthy/app"
	"seaworthy/app/config"
)

// open builds the app on its data.
func open(ctx context.Context, v release, c *config.Config) (*app.App, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return app.New(ctx, *c, app.Options{Version: v.String(), Hash: hashCommand(), Own: v.Own, Extend: v.Extend, Commands: v.commands})
}

// withApp does something with the app, which does not serve meanwhile.
func withApp(ctx context.Context, v release, c *config.Config, fn func(*app.App) error) error {
	a, err := open(ctx, v, c)
	if err != nil {
		return err
	}
	return errors.Join(fn(a), a.Close())
}

// say does one thing and prints what came of it.
func say(ctx context.Context, v release, c *config.Config, format string, act func(*app.App) (string, error)) error {
	return withApp(ctx, v, c, func(a *app.App) error {
		what, err := act(a)
		if err == nil {
			fmt.Printf(format+"\n", what)
		}
		return err
	})
}
