// Package replica keeps a copy of the database outside of the machine, and
// brings it back: Litestream as a library, driven by us instead of by its own
// monitors (spec/storage.md section 1 has the thirteen points and why).
//
//	cfg, err := replica.Load("litestream.yml", os.Getenv)
//	out, err := replica.Boot(ctx, cfg, path, replica.BootOptions{})   // before store.Open
//	db, err  := store.Open(path, store.Options{})
//	...migrate...
//	drv, err := replica.Start(ctx, db, cfg, replica.Options{})        // before traffic
//	...serve...
//	drv.Close(ctx)                                                    // before db.Close
//	db.Close()
//
// A replica is a folder (on disk, in a bucket or behind sftp) with one folder
// for each epoch and a current.json that names the newest. An epoch is the
// unbroken history of one database file; every restore begins another, so that
// two machines can never write the same keys.
package replica
