package command

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"seaworthy/app"
	"seaworthy/app/audit"
	"seaworthy/app/config"
	"seaworthy/app/ops"
)

type auditCmd struct {
	Verify    auditVerifyCmd  `cmd:"" help:"Verify a log: the database, a folder of tiles, a proof bundle, a .tlog-proof file or an address. Offline but for the last."`
	Export    auditExportCmd  `cmd:"" help:"Write the signed log as tiles (c2sp.org/tlog-tiles) into a new folder."`
	Erase     auditEraseCmd   `cmd:"" help:"Erase the personal data of a subject from the log, while the server is stopped."`
	Restart   auditRestartCmd `cmd:"" help:"Acknowledge a broken log: a new origin begins, while the server is stopped."`
	RotateKey auditRotateCmd  `cmd:"" name:"rotate-key" help:"Make a new signing key; both sign until retire-key. While the server is stopped."`
	RetireKey auditRetireCmd  `cmd:"" name:"retire-key" help:"End a rotation: the old key signs no more. While the server is stopped."`
}

type auditVerifyCmd struct {
	Target     string   `arg:"" optional:"" help:"What to verify; the database of the data folder by default."`
	Key        []string `help:"Verifier key you trust; may be given more than once. Without one the key that comes with the log is used."`
	Checkpoint []string `type:"existingfile" help:"A checkpoint you kept: the log must still hold what it covers."`
	Token      string   `env:"SEAWORTHY_TOKEN" help:"API key with audit:read, for a log at an address."`
	Data       string   `default:"data" env:"SEAWORTHY_DATA" help:"Folder of the database."`
}

func (c *auditVerifyCmd) Run(ctx context.Context) error {
	if c.Target == "" {
		c.Target = filepath.Join(c.Data, "seaworthy.db")
	}
	return ops.VerifyAudit{Target: c.Target, Keys: c.Key, Checkpoints: c.Checkpoint, Token: c.Token}.Run(ctx, os.Stdout)
}

type auditExportCmd struct {
	Folder string `arg:"" help:"The folder to make."`
	Data   string `default:"data" env:"SEAWORTHY_DATA" help:"Folder of the database."`
}

func (c *auditExportCmd) Run(ctx context.Context) error {
	n, err := audit.ExportTiles(ctx, filepath.Join(c.Data, "seaworthy.db"), c.Folder)
	if err == nil {
		fmt.Printf("%d events in %s: those of all orgs\n", n, c.Folder)
	}
	return err
}

type auditEraseCmd struct {
	config.Config `embed:""`
	Subject       string `arg:"" help:"Whose data, as type:id, such as user:usr_…"`
}

func (c *auditEraseCmd) Run(ctx context.Context, v release) error {
	return say(ctx, v, &c.Config, "Erased %s", func(a *app.App) (string, error) {
		n, err := a.Audit.Erase(ctx, audit.ParseRef(c.Subject))
		return fmt.Sprintf("the personal data of %s in %d places; backups hold it until their retention has passed", c.Subject, n), err
	})
}

type auditRestartCmd struct {
	config.Config `embed:""`
	Reason        string `required:"" help:"Why the break is acknowledged; it stays on record."`
}

func (c *auditRestartCmd) Run(ctx context.Context, v release) error {
	return say(ctx, v, &c.Config, "%s", func(a *app.App) (string, error) {
		return "A new origin has begun; its first event records the break.", a.Audit.Restart(ctx, c.Reason)
	})
}

type auditRotateCmd struct {
	config.Config `embed:""`
}

func (c *auditRotateCmd) Run(ctx context.Context, v release) error {
	return say(ctx, v, &c.Config, "%s", func(a *app.App) (string, error) {
		return "Made a new key. Give its verifier key (audit page) to whoever verifies, then run 'seaworthy audit retire-key'.", a.Audit.RotateKey(ctx)
	})
}

type auditRetireCmd struct {
	config.Config `embed:""`
}

func (c *auditRetireCmd) Run(ctx context.Context, v release) error {
	return say(ctx, v, &c.Config, "%s", func(a *app.App) (string, error) {
		return "The old key is retired and its file deleted.", a.Audit.RetireKey(ctx)
	})
}
