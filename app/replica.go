package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"seaworthy/store/replica"
)

// bootReplica reads the replication's configuration and lets it decide whether
// the database is opened, restored or created.
func (a *App) bootReplica(ctx context.Context, dbPath string) error {
	if a.Config.Replica == "off" {
		return nil
	}
	cfg, err := replicaConfig(a.Config.Replica, a.Config.Data)
	if err != nil {
		return err
	}
	a.replicas = cfg
	if abs, err := filepath.Abs(dbPath); err != nil || abs != cfg.DBPath {
		return fmt.Errorf("litestream.yml replicates %s, but the database is %s: give dbs[0].path as ${SEAWORTHY_DATA}/seaworthy.db", cfg.DBPath, abs)
	}
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		_, err := replica.Boot(ctx, cfg, dbPath, replica.BootOptions{FirstInstall: a.Config.FirstInstall, Log: a.log})
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

// replicaConfig finds the configuration: the named file, litestream.yml in the
// data or current folder, or the built-in default.
func replicaConfig(named, data string) (replica.Config, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return replica.Config{}, err
	}
	env := func(name string) string {
		if name == replica.EnvData {
			return data
		}
		return os.Getenv(name)
	}
	if named != "" {
		return replica.Load(named, env)
	}
	for _, path := range []string{filepath.Join(data, "litestream.yml"), "litestream.yml"} {
		if _, err := os.Stat(path); err == nil {
			return replica.Load(path, env)
		}
	}
	return replica.Parse([]byte(replica.DefaultYAML), env)
}

// startReplica begins to replicate; it returns after the first sync, or when
// that takes too long.
func (a *App) startReplica(ctx context.Context) (err error) {
	if a.Config.Replica == "off" {
		return nil
	}
	a.replica, err = replica.Start(ctx, a.DB, a.replicas, replica.Options{Log: a.log})
	return err
}
