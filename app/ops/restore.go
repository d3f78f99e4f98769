package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"seaworthy/app/audit/verify"
	"seaworthy/app/seal"
	"seaworthy/store/replica"
)

// Restore are the options of `seaworthy restore`.
type Restore struct {
	Config replica.Config
	Data   string    // folder whose database is brought back
	Out    string    // file to write instead; the folder's database if ""
	Epoch  string    // the newest that has data if ""
	At     time.Time // the newest state if zero
	Log    *slog.Logger
}

// Run brings the database back and says what it did. The file gets its name only when every
// page, the schema and the audit log in it were verified. Nothing that is there is replaced.
func (c Restore) Run(ctx context.Context, out io.Writer) error {
	path := c.Out
	if path == "" {
		path = filepath.Join(c.Data, "seaworthy.db")
	}
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s is there already and is not touched: move it aside first, or restore elsewhere with --out", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("folder of the restored file: %w", err)
	}
	began := time.Now()
	var seen verify.Report
	got, err := replica.Restore(ctx, c.Config, path, replica.RestoreOptions{Epoch: c.Epoch, At: c.At, Log: c.Log,
		Check: func(ctx context.Context, path string) (err error) { seen, err = checkLog(ctx, path); return err }})
	if err != nil {
		return explain(err, c.At)
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(out, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("restored", "%s, %.1f MB, in %s", path, float64(got.Bytes)/1e6, time.Since(began).Round(time.Millisecond))
	line("from", "%s, epoch %s", c.Config.Replica.Location(), got.Epoch)
	line("schema", "%d", got.Schema)
	line("audit", "%d events verified", seen.Size)
	if c.Out == "" {
		if has, err := replica.Inspect(ctx, c.Config); err == nil && has.Holder != "" {
			line("note", "%s wrote to this replica at %s UTC. If it still runs, what it writes from now on is not in this file: stop it first", has.Holder, has.HolderAt.UTC().Format("2006-01-02 15:04:05"))
		}
		if missing := missingKey(c.Data); missing != "" {
			line("missing", "%s", missing)
		}
		line("next", "seaworthy serve; it begins a new epoch at the replica, and the old ones stay as they are")
	}
	return nil
}

// missingKey says that a restored database lacks its master key, and what to do; "" where it has it.
func missingKey(data string) string {
	folder := filepath.Join(data, "keys")
	if _, err := os.Stat(seal.Path(folder, "master.key")); !errors.Is(err, os.ErrNotExist) {
		return ""
	}
	return filepath.Join(folder, "master.key") + ": what was sealed cannot be read without it. Put it back, or run 'seaworthy keys import' with your recovery kit, before you start"
}

// checkLog verifies the audit log in a database file. One without any event yet has nothing to verify.
func checkLog(ctx context.Context, path string) (verify.Report, error) {
	r, err := verify.File(ctx, path, verify.Options{})
	if err == nil && !r.OK() {
		err = fmt.Errorf("%w: %s", ErrAuditBad, r.Problem)
	}
	return r, err
}

// explain adds to an error of a restore what a person can do about it.
func explain(err error, at time.Time) error {
	var away *replica.UnreachableError
	switch {
	case errors.Is(err, replica.ErrNothing) && !at.IsZero():
		return fmt.Errorf("%w that is as old as %s: 'seaworthy backup status' says how far back it goes", err, at.UTC().Format(time.RFC3339))
	case errors.Is(err, replica.ErrNothing):
		return fmt.Errorf("%w: is it the right one? 'seaworthy backup status' shows what there is", err)
	case errors.As(err, &away):
		return fmt.Errorf("%w; nothing was changed, try again", err)
	}
	return err
}
