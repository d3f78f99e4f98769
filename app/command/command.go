// Package command is the command line: each command is a struct whose fields are
// its options, and whose Run does it.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"seaworthy/app/config"
)

type commands struct {
	Serve     serveCmd     `cmd:"" help:"Serve. In an empty folder this is all it takes."`
	Demo      demoCmd      `cmd:"" help:"Fill a fresh folder with ten weeks of a made-up company, and serve it."`
	Migrate   migrateCmd   `cmd:"" help:"Bring the database's schema up to date, and stop."`
	User      userCmd      `cmd:"" help:"Look after people from the command line, while the server is stopped."`
	Token     tokenCmd     `cmd:"" help:"Make and revoke API keys for programs and rotate signing keys, while the server is stopped."`
	Audit     auditCmd     `cmd:"" help:"Verify, export and look after the audit log."`
	Jobs      jobsCmd      `cmd:"" help:"Look at jobs, run them again and cancel them; see queues and schedules."`
	Flags     flagsCmd     `cmd:"" help:"See feature flags, change, kill, import and export them."`
	Apply     applyCmd     `cmd:"" help:"Make the installation what a file such as seaworthy.yml says: plans, roles, flags, brand, access rules, endpoints, schedules."`
	Export    exportCmd    `cmd:"" help:"Print the present state as such a file."`
	Email     emailCmd     `cmd:"" help:"Make keys that sign mail."`
	Outbox    outboxCmd    `cmd:"" help:"Help your app to hand in jobs from its own database."`
	Backup    backupCmd    `cmd:"" help:"See and verify what is kept outside of this machine."`
	Keys      keysCmd      `cmd:"" help:"Keep the keys of this installation safe, and bring them back."`
	Restore   restoreCmd   `cmd:"" help:"Bring the database back, of now or of an earlier time, while the server is stopped."`
	Doctor    doctorCmd    `cmd:"" help:"Check this installation and say what to mend."`
	Install   installCmd   `cmd:"" help:"Have this machine run the server under systemd: user, folders, hardened units, keys as credentials."`
	Uninstall uninstallCmd `cmd:"" help:"Take units and binary away. The data stay."`
	Upgrade   upgradeCmd   `cmd:"" help:"Put another binary in the place of this one, without a request lost; or go back."`
	SelfTest  selfTestCmd  `cmd:"" name:"selftest" help:"Try everything on a database of its own, as before an upgrade."`
	Bench     benchCmd     `cmd:"" help:"Measure this machine against the bars that Seaworthy is built to."`
	Version   versionCmd   `cmd:"" help:"Print the version."`
}

// Run does what the arguments of a command line say, and returns the exit code.
// The version is the release's; "" for a build that is none.
func Run(version string, args []string) int { return Program{Version: version}.Run(args) }

// Run does what the arguments say, and returns the exit code.
func (p Program) Run(args []string) int {
	if len(args) == 1 && args[0] == hashWord {
		return serveHashes()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)

	sources, err := config.NewSources(os.LookupEnv, config.DataFolder(args, os.LookupEnv))
	if err != nil {
		return fail(err)
	}
	var c commands
	parser, err := kong.New(&c, kong.Name(cmp.Or(p.Own.Name, "seaworthy")), kong.Resolvers(sources),
		kong.Description("From demo-ready to seaworthy: sign-in, billing, jobs, mail, flags, audit and observability, in one file."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.ValueFormatter(withVariable),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(release{p}))
	if err != nil {
		return fail(err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	cmd, err := parser.Parse(args)
	if err != nil && args[0] == "serve" {
		err = refusedLine(ctx, config.DataFolder(args, os.LookupEnv), release{p}, err)
	}
	if faults := (*config.FaultError)(nil); errors.As(err, &faults) {
		return fail(err) // the parser validates what it has read
	}
	if err != nil {
		parser.Errorf("%s", err)
		fmt.Fprintln(os.Stderr, "Run 'seaworthy --help' for the commands, 'seaworthy serve --help' for the options.")
		return exitUsage
	}
	if cmd.Command() == "serve" {
		// It runs for months, in which nothing should hold on to the parser: that is 3 MB.
		err = c.Serve.Run(ctx, release{p})
	} else {
		err = cmd.Run()
	}
	if err != nil {
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
