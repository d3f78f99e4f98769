package ops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"seaworthy/store"
)

// RestoreCopy are the options of `seaworthy restore --copy`.
type RestoreCopy struct {
	File     string // a copy as the nightly job stores it
	Identity string // text of age's identity file; "" for a copy that is not encrypted
	Data     string // folder whose database is brought back
	Out      string // file to write instead; the folder's database if ""
}

// Run unpacks and verifies the copy before it gets its name. Nothing that is there is replaced.
func (c RestoreCopy) Run(ctx context.Context, out io.Writer) error {
	path := c.Out
	if path == "" {
		path = filepath.Join(c.Data, "seaworthy.db")
	}
	for _, there := range []string{path, path + "-wal"} {
		if _, err := os.Stat(there); err == nil {
			return fmt.Errorf("%s is there already and is not touched: move it aside first, or restore elsewhere with --out", there)
		}
	}
	var who []age.Identity
	if c.Identity != "" {
		var err error
		if who, err = age.ParseIdentities(strings.NewReader(c.Identity)); err != nil {
			return fmt.Errorf("the identity file: %w", err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("folder of the restored file: %w", err)
	}
	began := time.Now()
	tmp := path + ".restore-" + began.UTC().Format("20060102T150405.000000")
	defer store.RemoveSide(tmp)
	if err := c.unpack(tmp, who); err != nil {
		return err
	}
	events, schema, err := inspectFile(ctx, tmp)
	if err != nil {
		return fmt.Errorf("the copy fails its check: %w", err)
	}
	// Link, not rename: a database that appeared meanwhile must not be replaced.
	if err := os.Link(tmp, path); err != nil {
		return fmt.Errorf("put the file in its place: %w", err)
	}
	fmt.Fprintf(out, "restored  %s in %s\nschema    %d\naudit     %d events verified\n", path, time.Since(began).Round(time.Millisecond), schema, events)
	if missing := missingKey(c.Data); c.Out == "" && missing != "" {
		fmt.Fprintf(out, "missing   %s\n", missing)
	}
	return nil
}

func (c RestoreCopy) unpack(tmp string, who []age.Identity) error {
	in, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = unpack(in, f, who)
	return errors.Join(err, f.Sync(), f.Close())
}

// inspectFile makes every check of a database file that came from elsewhere.
func inspectFile(ctx context.Context, path string) (events int64, schema int, err error) {
	if err := store.CheckFile(ctx, path); err != nil {
		return 0, 0, err
	}
	schema, known, err := store.FileSchema(ctx, path)
	if err == nil && schema > known {
		err = &store.NewerSchemaError{Have: schema, Known: known}
	}
	if err != nil {
		return 0, schema, err
	}
	seen, err := checkLog(ctx, path)
	return seen.Size, schema, err
}
