// Command seaworthy brings an app from demo-ready to seaworthy: sign-in, billing,
// jobs, mail, flags, audit and observability, in one file.
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"seaworthy/app"
	"seaworthy/app/audit"
	"seaworthy/app/auth"
	"seaworthy/app/config"
	"seaworthy/app/ops"
	"seaworthy/app/web"
	"seaworthy/store"
)

// version is set at build time with -ldflags "-X main.version=1.2.3".
var version = ""

// Exit codes, after sysexits.h where it has one.
const (
	exitFailed   = 1
	exitUsage    = 2
	exitSchema   = 65 // the database was written by a newer release
	exitInUse    = 75 // another process has the database; try again later
	exitBadSetup = 78 // the configuration is refused
)

type commands struct {
	Serve   serveCmd   `cmd:"" help:"Serve. In an empty folder this is all it takes."`
	Migrate migrateCmd `cmd:"" help:"Bring the database's schema up to date, and stop."`
	User    userCmd    `cmd:"" help:"Look after people from the command line, while the server is stopped."`
	Token   tokenCmd   `cmd:"" help:"Make and revoke API keys for programs and rotate signing keys, while the server is stopped."`
	Audit   auditCmd   `cmd:"" help:"Verify, export and look after the audit log."`
	Doctor  doctorCmd  `cmd:"" help:"Check this installation and say what to mend."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)

	sources, err := config.NewSources(os.LookupEnv, config.DataFolder(args, os.LookupEnv))
	if err != nil {
		return fail(err)
	}
	var c commands
	parser, err := kong.New(&c, kong.Name("seaworthy"), kong.Resolvers(sources),
		kong.Description("From demo-ready to seaworthy: sign-in, billing, jobs, mail, flags, audit and observability, in one file."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.ValueFormatter(withVariable),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return fail(err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	cmd, err := parser.Parse(args)
	if err != nil {
		parser.Errorf("%s", err)
		fmt.Fprintln(os.Stderr, "Run 'seaworthy --help' for the commands, 'seaworthy serve --help' for the options.")
		return exitUsage
	}
	if err := cmd.Run(); err != nil {
		return fail(err)
	}
	return 0
}

// withVariable adds an option's environment variable to its help.
func withVariable(v *kong.Value) string {
	if name := v.Tag.Get("var"); name != "" {
		return v.Help + " ($" + name + ")"
	}
	return v.Help
}

// fail says what went wrong in words for a person, and returns the exit code.
func fail(err error) int {
	var (
		faults *config.FaultError
		newer  *store.NewerSchemaError
		inUse  *store.InUseError
		public *web.Error
	)
	switch {
	case errors.As(err, &faults):
		fmt.Fprintln(os.Stderr, "seaworthy cannot start with this configuration:")
		for _, f := range faults.Faults {
			fmt.Fprintln(os.Stderr, "  - "+f)
		}
		return exitBadSetup
	case errors.As(err, &newer):
		fmt.Fprintln(os.Stderr, "seaworthy:", newer)
		return exitSchema
	case errors.As(err, &inUse):
		fmt.Fprintln(os.Stderr, "seaworthy:", inUse)
		return exitInUse
	case errors.As(err, &public) && len(public.Fields) > 0:
		for _, f := range public.Fields {
			fmt.Fprintf(os.Stderr, "seaworthy: %s: %s\n", f.Field, f.Message)
		}
		return exitFailed
	}
	fmt.Fprintln(os.Stderr, "seaworthy:", err)
	return exitFailed
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Println("seaworthy", versionText())
	return nil
}

// versionText is the release, or the commit it was built from.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if rev := settings["vcs.revision"]; len(rev) >= 12 {
		if settings["vcs.modified"] == "true" {
			return "dev-" + rev[:12] + "-modified"
		}
		return "dev-" + rev[:12]
	}
	return "dev"
}

type serveCmd struct {
	config.Config `embed:""`
}

func (c *serveCmd) Run(ctx context.Context) error {
	a, err := open(ctx, &c.Config)
	if err != nil {
		return err
	}
	return a.Run(ctx, func(s app.Serving) {
		fmt.Printf("Seaworthy %s serves %s\n", versionText(), s.URL)
		if s.Setup != "" {
			fmt.Printf("Make the first operator (this link works once, for 24 hours):\n  %s\n", s.Setup)
		}
		if !c.Production() && c.SMTPURL == "" {
			fmt.Printf("Mail goes to the development inbox:\n  %s/-/dev/inbox\n", s.URL)
		}
	})
}

func open(ctx context.Context, c *config.Config) (*app.App, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return app.New(ctx, *c, app.Options{Version: versionText()})
}

type migrateCmd struct {
	config.Config `embed:""`
}

func (c *migrateCmd) Run(ctx context.Context) error {
	a, err := open(ctx, &c.Config)
	if err != nil {
		return err
	}
	fmt.Println("The schema is up to date.")
	return a.Close()
}

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

func (c *userAddCmd) Run(ctx context.Context) error {
	password, err := readPassword()
	if err != nil {
		return err
	}
	return say(ctx, &c.Config, "Made the operator %s", func(a *app.App) (string, error) { return a.Auth.AddOperator(ctx, c.Name, c.Email, password) })
}

type userPromoteCmd struct {
	config.Config `embed:""`
	Email         string `arg:"" help:"Address of the user."`
}

func (c *userPromoteCmd) Run(ctx context.Context) error {
	return say(ctx, &c.Config, "%s is an operator now", func(a *app.App) (string, error) { return a.Auth.Promote(ctx, c.Email) })
}

type userResetCmd struct {
	config.Config `embed:""`
	Email         string `arg:"" help:"Address of the user."`
}

func (c *userResetCmd) Run(ctx context.Context) error {
	return say(ctx, &c.Config, "Start the server and open this link within 30 minutes:\n  %s", func(a *app.App) (string, error) { return a.Auth.ResetLink(ctx, c.Email) })
}

type userSignOutCmd struct {
	config.Config `embed:""`
	Email         string `arg:"" help:"Address of the user."`
}

func (c *userSignOutCmd) Run(ctx context.Context) error {
	return say(ctx, &c.Config, "%s is signed out everywhere", func(a *app.App) (string, error) { return a.Auth.SignOut(ctx, c.Email) })
}

type userListCmd struct {
	config.Config `embed:""`
	Limit         int `default:"50" help:"Most users to list."`
}

func (c *userListCmd) Run(ctx context.Context) error {
	return withApp(ctx, &c.Config, func(a *app.App) error {
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

func (c *tokenCreateCmd) Run(ctx context.Context) error {
	n := auth.NewKey{Name: c.Name, Org: c.Org, Permissions: c.Permission}
	if c.Org == "" && len(n.Permissions) == 0 {
		n.Permissions = []string{"*"}
	}
	return withApp(ctx, &c.Config, func(a *app.App) error {
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

func (c *tokenListCmd) Run(ctx context.Context) error {
	return withApp(ctx, &c.Config, func(a *app.App) error {
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

func (c *tokenRevokeCmd) Run(ctx context.Context) error {
	return say(ctx, &c.Config, "The key %s is revoked", func(a *app.App) (string, error) {
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

func (c *tokenRotateCmd) Run(ctx context.Context) error {
	return say(ctx, &c.Config, "The key %s signs access tokens now", func(a *app.App) (string, error) { return a.Auth.RotateKeys(ctx) })
}

func withApp(ctx context.Context, c *config.Config, fn func(*app.App) error) error {
	a, err := open(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(fn(a), a.Close())
}

// say does one thing and prints what came of it.
func say(ctx context.Context, c *config.Config, format string, act func(*app.App) (string, error)) error {
	return withApp(ctx, c, func(a *app.App) error {
		what, err := act(a)
		if err == nil {
			fmt.Printf(format+"\n", what)
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
		fmt.Printf("%d events in %s; they are every organization's\n", n, c.Folder)
	}
	return err
}

type auditEraseCmd struct {
	config.Config `embed:""`
	Subject       string `arg:"" help:"Whose data, as type:id, such as user:usr_…"`
}

func (c *auditEraseCmd) Run(ctx context.Context) error {
	return say(ctx, &c.Config, "Erased %s", func(a *app.App) (string, error) {
		n, err := a.Audit.Erase(ctx, audit.ParseRef(c.Subject))
		return fmt.Sprintf("the personal data of %s in %d places; backups hold it until their retention has passed", c.Subject, n), err
	})
}

type auditRestartCmd struct {
	config.Config `embed:""`
	Reason        string `required:"" help:"Why the break is acknowledged; it stays on record."`
}

func (c *auditRestartCmd) Run(ctx context.Context) error {
	return say(ctx, &c.Config, "%s", func(a *app.App) (string, error) {
		return "A new origin has begun; its first event records the break.", a.Audit.Restart(ctx, c.Reason)
	})
}

type auditRotateCmd struct {
	config.Config `embed:""`
}

func (c *auditRotateCmd) Run(ctx context.Context) error {
	return say(ctx, &c.Config, "%s", func(a *app.App) (string, error) {
		return "Made a new key. Give its verifier key (audit page) to whoever verifies, then run 'seaworthy audit retire-key'.", a.Audit.RotateKey(ctx)
	})
}

type auditRetireCmd struct {
	config.Config `embed:""`
}

func (c *auditRetireCmd) Run(ctx context.Context) error {
	return say(ctx, &c.Config, "%s", func(a *app.App) (string, error) {
		return "The old key is retired and its file deleted.", a.Audit.RetireKey(ctx)
	})
}

type doctorCmd struct {
	config.Config `embed:""`
}

func (c *doctorCmd) Run(ctx context.Context) error {
	return ops.Doctor(ctx, c.Config, os.Stdout)
}
