package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"seaworthy/app/audit"
	"seaworthy/store/replica"
)

// bootReplica reads the replication's configuration and lets it decide whether
// the database is opened, restored or created.
func (a *App) bootReplica(ctx context.Context, dbPath string) error {
	if a.Config.Replica == "off" {
		return nil
	}
	cfg, err := replica.Find(a.Config.Replica, a.Config.Data)
	if err != nil {
		return err
	}
	a.replicas = cfg
	if abs, err := filepath.Abs(dbPath); err != nil || abs != cfg.DBPath {
		return fmt.Errorf("litestream.yml replicates %s, but the database is %s: give dbs[0].path as ${SEAWORTHY_DATA}/seaworthy.db", cfg.DBPath, abs)
	}
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		done, err := replica.Boot(ctx, cfg, dbPath, replica.BootOptions{FirstInstall: a.Config.FirstInstall, Log: a.log})
		a.restored = done.Action == replica.Restored
		var unreachable *replica.UnreachableError
		if !errors.As(err, &unreachable) {
			return err
		}
		a.log.Error("waiting for the replica: the database is missing here and may be there", "err", err, "retry_in", wait)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// StartReplica begins to replicate; it returns after the first sync, or when
// that takes too long. Run calls it; programs that serve in another way do it themselves.
func (a *App) StartReplica(ctx context.Context) (err error) {
	if a.Config.Replica == "off" {
		return nil
	}
	a.replica, err = replica.Start(ctx, a.DB, a.replicas, replica.Options{Log: a.log, Resumed: a.o.Sockets != nil && a.o.Sockets.Successor()})
	return err
}

// Confirm returns when everything committed so far is at the replica, and at
// once where nothing is replicated.
func (a *App) Confirm(ctx context.Context) error {
	if a.Config.Replica == "off" {
		return nil
	}
	if a.replica == nil {
		return errors.New("replication has not begun")
	}
	return a.replica.Wait(ctx)
}

// scrub takes erased rows out of the write-ahead log.
func (a *App) scrub(ctx context.Context) error {
	if a.replica == nil {
		return a.DB.Scrub(ctx)
	}
	return a.replica.Scrub(ctx)
}

// vaults are where the audit log keeps what must survive a restore of an older
// database: a folder of this machine, and a place beside the replica's epochs.
func (a *App) vaults() []audit.Vault {
	all := []audit.Vault{audit.Folder(filepath.Join(a.Config.Data, "audit"))}
	if a.Config.Replica != "off" {
		all = append(all, a.replicas.Beside())
	}
	return all
}

// handoverSync is how long those who connect to our successor may wait for our last sync.
// Commits that stay behind are on the disk and go out with its first.
const handoverSync = 2 * time.Second

// closeReplica sends what is not yet at the replica, and ends replication.
func (a *App) closeReplica() error {
	driver := a.replica
	a.replica = nil
	if !a.successor {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		return driver.Close(ctx)
	}
	ctx, cancel := context.WithTimeout(context.Background(), handoverSync)
	defer cancel()
	if err := driver.Leave(ctx); err != nil {
		a.log.Warn("the last commits go to the replica after the handover", "err", err)
	}
	return nil
}
