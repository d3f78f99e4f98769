package ops

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"seaworthy/app/config"
	"seaworthy/app/launch"
	"seaworthy/app/seal"
	"seaworthy/store"
)

// fileChecks are of the files of an installation; readable says whether the database can
// be asked more.
func fileChecks(ctx context.Context, c *config.Config, path string) (all []Check, readable bool) {
	sound := Check{Key: "database.sound", System: "database", Title: "The database is sound", Blocks: true,
		Why: "A damaged page is a customer whose data is gone.", Fix: "Stop the server and run 'seaworthy restore' into another folder; keep the damaged file."}
	_, err := os.Stat(path)
	there := err == nil
	all = append(all, masterKeyCheck(c.Data, there), auditKeyCheck(c.Data, there))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return append(all, sound.Is(launch.NotApplicable, "There is none in "+c.Data+" yet; serve makes it.")), false
	case err != nil:
		return append(all, sound.Is(launch.Unknown, "It cannot be looked at: "+err.Error())), false
	}
	began := time.Now()
	if err := store.CheckFile(ctx, path); err != nil {
		return append(all, sound.Is(launch.Todo, err.Error())), false
	}
	all = append(all, sound.Is(launch.Done, fmt.Sprintf("Every page was checked in %s.", time.Since(began).Round(time.Millisecond))), futureCheck(path))
	schema, readable := schemaCheck(ctx, path)
	return append(all, schema), readable
}

func schemaCheck(ctx context.Context, path string) (Check, bool) {
	k := Check{Key: "database.schema", System: "database", Title: "The database is of this release", Blocks: true,
		Why: "A server of an older release refuses it.", Fix: "Use the release that has written it, or a newer one; 'seaworthy migrate' brings an older database up to date."}
	have, known, err := store.FileSchema(ctx, path)
	switch {
	case err != nil:
		return k.Is(launch.Unknown, err.Error()), false
	case have > known:
		return k.Is(launch.Todo, (&store.NewerSchemaError{Have: have, Known: known}).Error()), false
	case have < known:
		return k.Is(launch.Warn, fmt.Sprintf("Its schema is %d; this release brings it to %d at the next start.", have, known)), false
	}
	return k.Is(launch.Done, fmt.Sprintf("Its schema is %d.", have)), true
}

// masterKeyCheck looks whether what was sealed can be opened.
func masterKeyCheck(data string, database bool) Check {
	folder := filepath.Join(data, "keys")
	path := seal.Path(folder, "master.key")
	k := Check{Key: "keys.master", System: "database", Title: "The master key is there", Blocks: true,
		Why: "Sealed secrets stay unreadable without it, and the server does not start.", Fix: "Put " + path + " back, or run 'seaworthy keys import' with your recovery kit."}
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !database:
		return k.Is(launch.NotApplicable, "It is made at the first start.")
	case errors.Is(err, fs.ErrNotExist):
		return k.Is(launch.Todo, path+" is missing.")
	}
	if _, err := seal.Load(folder, false); err != nil {
		return k.Is(launch.Todo, err.Error())
	}
	return k.Is(launch.Done, "It can be read.")
}

func auditKeyCheck(data string, database bool) Check {
	path := seal.Path(filepath.Join(data, "keys"), "audit.key")
	k := Check{Key: "keys.audit", System: "database", Title: "The key that signs the audit log is there",
		Why: "Else the log goes on under a new key that no verifier knows.", Fix: "Put " + path + " back, or run 'seaworthy keys import' with your recovery kit."}
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !database:
		return k.Is(launch.NotApplicable, "It is made at the first start.")
	case errors.Is(err, fs.ErrNotExist):
		return k.Is(launch.Warn, path+" is missing.")
	case err != nil:
		return k.Is(launch.Unknown, "It cannot be looked at: "+err.Error())
	}
	return k.Is(launch.Done, "It is.")
}

// futureCheck compares the clock with the newest file we know.
func futureCheck(path string) Check {
	k := Check{Key: "database.future", System: "database", Title: "Nothing was written in the future", Blocks: true,
		Why: "The clock was wrong then or is now, and tokens and leases go by it.", Fix: "Run 'timedatectl set-ntp true'."}
	for _, file := range []string{path, path + "-wal"} {
		if info, err := os.Stat(file); err == nil && time.Until(info.ModTime()) > time.Minute {
			return k.Is(launch.Todo, fmt.Sprintf("%s was written at %s.", filepath.Base(file), info.ModTime().UTC().Format(time.RFC3339)))
		}
	}
	return k.Is(launch.Done, "Nothing was.")
}
