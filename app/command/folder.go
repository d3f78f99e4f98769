package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"seaworthy/app"
	"seaworthy/app/config"
	"seaworthy/app/jobs"
	"seaworthy/queue"
	"seaworthy/store"
)

// folder is a data folder whose jobs are looked at, whether a server runs on it or
// not, and changed while none does.
type folder string

// database is the file in the folder. A folder without one is a mistake: nothing is
// made there.
func (f folder) database() (string, error) {
	path := filepath.Join(string(f), "seaworthy.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no database in the folder %s: give another with --data", f)
	}
	return path, nil
}

func (f folder) read(ctx context.Context, fn func(*store.Tx) error) error {
	path, err := f.database()
	if err != nil {
		return err
	}
	return store.ReadFile(ctx, path, fn)
}

// Page implements looker.
func (f folder) Page(ctx context.Context, want jobs.Sought) (page jobs.JobPage, err error) {
	err = f.read(ctx, func(tx *store.Tx) error {
		page, err = jobs.Page(tx, want)
		return err
	})
	return page, err
}

// Job implements looker. Whoever has the file may see what our own jobs were given.
func (f folder) Job(ctx context.Context, id string) (j jobs.Job, err error) {
	err = f.read(ctx, func(tx *store.Tx) error {
		if j, err = jobs.Find(tx, id); err != nil {
			return err
		}
		row, err := queue.ByID(tx, id)
		if j.Args = row.Args; row.Output != nil {
			text := strings.ToValidUTF8(string(row.Output), "\uFFFD")
			j.Output = &text
		}
		return err
	})
	return j, err
}

// Queues implements looker.
func (f folder) Queues(ctx context.Context) (all []jobs.QueueState, err error) {
	err = f.read(ctx, func(tx *store.Tx) error {
		all, err = jobs.Queues(tx, time.Now())
		return err
	})
	return all, err
}

// change does something to the jobs of the app.
func (f folder) change(ctx context.Context, v release, act func(changer) error) error {
	return f.changeApp(ctx, v, func(a *app.App) error { return act(a.Jobs) })
}

// changeApp opens the app as the environment configures it.
func (f folder) changeApp(ctx context.Context, v release, act func(*app.App) error) error {
	if _, err := f.database(); err != nil {
		return err
	}
	c, err := config.Load(func(name string) (string, bool) {
		if name == "SEAWORTHY_DATA" {
			return string(f), true
		}
		return os.LookupEnv(name)
	})
	if err != nil {
		return err
	}
	err = withApp(ctx, v, &c, act)
	if inUse := (*store.InUseError)(nil); errors.As(err, &inUse) {
		return fmt.Errorf("%w; or ask the server that runs, with --url and an API key in SEAWORTHY_API_KEY", err)
	}
	return err
}
