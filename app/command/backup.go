package command

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"seaworthy/app/ops"
	"seaworthy/store/replica"
)

type backupCmd struct {
	Status backupStatusCmd `cmd:"" help:"What the replica has and how far back, whether the server runs or not."`
	Verify backupVerifyCmd `cmd:"" help:"Restore the replica to a temporary file, verify everything in it, and say how long it took."`
}

// place is where a data folder replicates to.
type place struct {
	Data    string `help:"Data folder. ($$SEAWORTHY_DATA)" env:"SEAWORTHY_DATA" default:"data"`
	Replica string `help:"Litestream configuration. Default: litestream.yml in the data or current folder, or else a file replica in the data folder. ($$SEAWORTHY_REPLICA)" env:"SEAWORTHY_REPLICA"`
}

func (p place) config() (replica.Config, error) {
	if p.Replica == "off" {
		return replica.Config{}, fmt.Errorf("nothing is replicated: SEAWORTHY_REPLICA is off")
	}
	return replica.Find(p.Replica, p.Data)
}

// aside is the log of a command: what a person should know, on standard error.
func aside() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

type backupStatusCmd struct {
	place `embed:""`
	JSON  bool `name:"json" help:"For programs."`
}

func (c *backupStatusCmd) Run(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	has, err := replica.Inspect(ctx, cfg)
	if err != nil {
		return err
	}
	if c.JSON {
		return inJSON(has)
	}
	fmt.Println("replica  ", has.Location)
	if has.Holder != "" {
		fmt.Printf("written by %s, last heard of %s UTC\n", has.Holder, instant(has.HolderAt))
	}
	if len(has.Epochs) == 0 {
		fmt.Println("It holds nothing yet.")
		return nil
	}
	rows := [][]string{{"EPOCH", "FROM (UTC)", "TO (UTC)", "FILES", "MB", ""}}
	for _, e := range has.Epochs {
		note := ""
		if e.Current {
			note = "current"
		}
		rows = append(rows, []string{e.Name, instant(e.Oldest), instant(e.Newest), strconv.Itoa(e.Files), fmt.Sprintf("%.1f", float64(e.Bytes)/1e6), note})
	}
	return table(rows)
}

type backupVerifyCmd struct {
	place `embed:""`
	At    string `help:"Verify the state at that time, as 2026-11-24T02:00:00Z, or as 2h for two hours ago." placeholder:"TIME"`
	Epoch string `help:"Verify that epoch; the newest that has data if not given."`
}

func (c *backupVerifyCmd) Run(ctx context.Context) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	at, err := moment(c.At, time.Now())
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(existing(c.Data), "verify-*")
	if err != nil {
		return fmt.Errorf("folder for the restored file: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := (ops.Restore{Config: cfg, Data: c.Data, Out: dir + "/restored.db", Epoch: c.Epoch, At: at, Log: aside()}).Run(ctx, os.Stdout); err != nil {
		return err
	}
	fmt.Println("OK        the replica can be restored; the file was deleted again")
	return nil
}

// existing is the folder if it is there, else that of the system for temporary files.
func existing(folder string) string {
	if info, err := os.Stat(folder); err == nil && info.IsDir() {
		return folder
	}
	return ""
}

type restoreCmd struct {
	place `embed:""`
	At    string `help:"The state at that time, as 2026-11-24T02:00:00Z, or as 2h for two hours ago. The newest if not given." placeholder:"TIME"`
	Epoch string `help:"That epoch ('seaworthy backup status' lists them); the newest that has data if not given."`
	Out   string `help:"Write to that file, and leave the data folder as it is." placeholder:"FILE"`
	Copy  string `help:"Restore this copy that was made in a night, instead of the replica." placeholder:"FILE"`

	Identity string `help:"Identity file of age that can read the copy." placeholder:"FILE"`
}

func (c *restoreCmd) Run(ctx context.Context) error {
	if c.Copy != "" {
		return c.fromCopy(ctx)
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	at, err := moment(c.At, time.Now())
	if err != nil {
		return err
	}
	return ops.Restore{Config: cfg, Data: c.Data, Out: c.Out, Epoch: c.Epoch, At: at, Log: aside()}.Run(ctx, os.Stdout)
}

func (c *restoreCmd) fromCopy(ctx context.Context) error {
	if c.At != "" || c.Epoch != "" {
		return fmt.Errorf("a copy is of one moment: --at and --epoch are for the replica")
	}
	r := ops.RestoreCopy{File: c.Copy, Data: c.Data, Out: c.Out}
	if c.Identity != "" {
		text, err := os.ReadFile(c.Identity)
		if err != nil {
			return err
		}
		r.Identity = string(text)
	}
	return r.Run(ctx, os.Stdout)
}

// moment reads a time that a person wrote: RFC 3339, a date and time in UTC, or how long ago.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04"} {
		at, err := time.Parse(form, text)
		if err == nil && at.After(now) {
			return at, fmt.Errorf("%s has not come yet", text)
		}
		if err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write 2026-11-24T02:00:00Z, '2026-11-24 02:00' for UTC, or 90m for so long ago", text)
}
