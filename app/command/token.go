package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"seaworthy/app"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/store"
)

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make an API key and print its secret, this once. Without --org and --permission it may do everything."`
	List   tokenListCmd   `cmd:"" help:"List the newest API keys."`
	Revoke tokenRevokeCmd `cmd:"" help:"End an API key."`
	Rotate tokenRotateCmd `cmd:"" name:"rotate-keys" help:"Sign access tokens with the next key from now on; the server does so by itself every 30 days."`
}

type tokenCreateCmd struct {
	config.Config `embed:""`
	Name          string      `arg:"" help:"What the key is for."`
	Permission    []string    `placeholder:"AREA:ACT" help:"What it may do, as area:act, area:* or *; give it once for each."`
	Org           string      `placeholder:"SLUG" help:"The only org it works in; then --permission is needed."`
	Expires       config.Days `placeholder:"90d" help:"How long it works, in days or as 12h; without it, until it is revoked."`
}

func (c *tokenCreateCmd) Run(ctx context.Context, v release) error {
	n := auth.NewKey{Name: c.Name, Org: c.Org, Permissions: c.Permission}
	if c.Org == "" && len(n.Permissions) == 0 {
		n.Permissions = []string{"*"}
	}
	return withApp(ctx, v, &c.Config, func(a *app.App) error {
		if c.Expires != 0 {
			n.Expires = a.DB.Now().Add(time.Duration(c.Expires))
		}
		k, secret, err := a.Auth.MakeKey(ctx, n)
		if err != nil {
			return err
		}
		// Apart, so that a script can take the secret alone.
		fmt.Fprintf(os.Stderr, "Made the key %s, which may do %s. Its secret is not shown again:\n", k.ID, strings.Join(k.Permissions, " "))
		_, err = fmt.Println(secret)
		return err
	})
}

type tokenListCmd struct {
	config.Config `embed:""`
	Limit         int `default:"50" help:"Most keys to list."`
}

// Validate refuses what lists nothing.
func (c *tokenListCmd) Validate() error { return errors.Join(some(c.Limit), c.Config.Validate()) }

func (c *tokenListCmd) Run(ctx context.Context, v release) error {
	return withApp(ctx, v, &c.Config, func(a *app.App) error {
		keys, err := a.Auth.Keys(ctx, auth.AnyOrg, "", c.Limit)
		for _, k := range keys {
			fmt.Printf("%s  %s…  %-7s  org=%s  expires=%s  used=%s  %s  (%s)\n", k.ID, k.Prefix, k.State(a.DB.Now()),
				cmp.Or(k.OrgSlug, "all"), day(k.Expires), day(k.LastUsed), k.Name, strings.Join(k.Permissions, " "))
		}
		return err
	})
}

// day is the date of a time, or "never".
func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.DateOnly)
}

type tokenRevokeCmd struct {
	config.Config `embed:""`
	ID            string `arg:"" help:"Id of the key, as the list shows it."`
}

func (c *tokenRevokeCmd) Run(ctx context.Context, v release) error {
	return say(ctx, v, &c.Config, "The key %s is revoked", func(a *app.App) (string, error) {
		err := a.Auth.RevokeKey(ctx, auth.AnyOrg, c.ID)
		if errors.Is(err, store.ErrNotFound) {
			err = fmt.Errorf("there is no key %s", c.ID)
		}
		return c.ID, err
	})
}

type tokenRotateCmd struct {
	config.Config `embed:""`
}

func (c *tokenRotateCmd) Run(ctx context.Context, v release) error {
	return say(ctx, v, &c.Config, "The key %s signs access tokens now", func(a *app.App) (string, error) { return a.Auth.RotateKeys(ctx) })
}
