package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"seaworthy/app"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/store"
)

type userCmd struct {
	Add     userAddCmd     `cmd:"" help:"Make an operator."`
	Promote userPromoteCmd `cmd:"" help:"Make an existing user an operator."`
	Reset   userResetCmd   `cmd:"" help:"Print a link with which a user can choose a new password."`
	SignOut userSignOutCmd `cmd:"" name:"sign-out" help:"End every session of a user."`
	List    userListCmd    `cmd:"" help:"List the newest users."`
}

type userAddCmd struct {
	config.Config `embed:""`
	Email         string `arg:"" help:"Address of the new operator."`
	Name          string `default:"Operator" help:"Name of the new operator."`
}

func (c *userAddCmd) Run(ctx context.Context, v release) error {
	password, err := readPassword()
	if err != nil {
		return err
	}
	return say(ctx, v, &c.Config, "Made the operator %s", func(a *app.App) (string, error) { return a.Auth.AddOperator(ctx, c.Name, c.Email, password) })
}

type userPromoteCmd struct {
	config.Config `embed:""`
	Email         string `arg:"" help:"Address of the user."`
}

func (c *userPromoteCmd) Run(ctx context.Context, v release) error {
	return say(ctx, v, &c.Config, "%s is an operator now", func(a *app.App) (string, error) { return a.Auth.Promote(ctx, c.Email) })
}

type userResetCmd struct {
	config.Config `embed:""`
	Email         string `arg:"" help:"Address of the user."`
}

func (c *userResetCmd) Run(ctx context.Context, v release) error {
	return say(ctx, v, &c.Config, "Start the server and open this link within 30 minutes:\n  %s", func(a *app.App) (string, error) { return a.Auth.ResetLink(ctx, c.Email) })
}

type userSignOutCmd struct {
	config.Config `embed:""`
	Email         string `arg:"" help:"Address of the user."`
}

func (c *userSignOutCmd) Run(ctx context.Context, v release) error {
	return say(ctx, v, &c.Config, "%s is signed out everywhere", func(a *app.App) (string, error) { return a.Auth.SignOut(ctx, c.Email) })
}

type userListCmd struct {
	config.Config `embed:""`
	Limit         int `default:"50" help:"Most users to list."`
}

// Validate refuses what lists nothing.
func (c *userListCmd) Validate() error { return errors.Join(some(c.Limit), c.Config.Validate()) }

func (c *userListCmd) Run(ctx context.Context, v release) error {
	return withApp(ctx, v, &c.Config, func(a *app.App) error {
		people, err := store.Read(ctx, a.DB, func(tx *store.Tx) ([]auth.Person, error) {
			people, _, err := auth.People(tx, auth.Filter{}, c.Limit)
			return people, err
		})
		for _, p := range people {
			fmt.Printf("%s  %-40s  %-10s verified=%t  %s\n", p.ID, p.Email, p.Status, p.Verified, p.Name)
		}
		return err
	})
}

// readPassword takes the password from standard input, so that it stands in no
// process list and no shell history.
func readPassword() (string, error) {
	fmt.Fprint(os.Stderr, "Password (one line): ")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
