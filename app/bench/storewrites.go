package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"seaworthy/store"
)

// storeWrites are durable transactions of one small row, by one caller and by many,
// without the app around them.
func storeWrites(ctx context.Context, o *Options, folder string) (results []Result, err error) {
	db, err := store.Open(filepath.Join(folder, "store.db"), store.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := store.Migrate(ctx, db, store.MigrateOptions{}); err != nil {
		return nil, err
	}
	for _, c := range []struct {
		clients int
		bar     float64
	}{{1, 2000}, {o.Clients, 0}, {256, 20_000}} {
		l, err := load(ctx, c.clients, o.For, func(ctx context.Context, _ int) error {
			return db.Write(ctx, func(tx *store.Tx) error { return store.SetMeta(tx, tx.NewID("bench"), words) })
		})
		if err != nil {
			return results, err
		}
		name := fmt.Sprintf("store: a row, durable, by %d at once", c.clients)
		if c.bar == 0 {
			results = append(results, l.result(name))
			continue
		}
		results = append(results, atLeast(name, l, c.bar))
	}
	key := db.NewID("bench")
	if err := db.Write(ctx, func(tx *store.Tx) error { return store.SetMeta(tx, key, words) }); err != nil {
		return results, err
	}
	l, err := load(ctx, 2, o.For, func(ctx context.Context, _ int) error {
		return db.Read(ctx, func(tx *store.Tx) error { _, err := store.Meta(tx, key); return err })
	})
	return append(results, l.result("store: a row by its key, by 2 at once")), err
}

// words are as long as many rows of a business application.
const words = "a row of about one hundred bytes, which is what many rows of a business application come to, more or less"
