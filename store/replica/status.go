package replica

import "time"

// Status is a reading of the replication, for readiness, metrics and the console.
type Status struct {
	Epoch    string // "" until the first session
	Type     string // file, s3, sftp
	Location string // without secrets

	LagSeconds         float64   // age of the oldest commit that is not known to be remote; 0 when none
	LagTXIDs           int64     // captured transactions (Litestream's) that are not yet remote
	LocalLTXBytes      int64     // disk that Litestream's files take, measured every few seconds
	WALBytes           int64     // of the write-ahead log in use
	LastSuccessfulSync time.Time // zero before the first
	LastError          error     // nil once a later sync succeeded
	Initialised        bool      // Litestream reads the log
	Stale              bool      // the lag is above StaleAfter, or nothing was ever synced
}

// view is what the loop last published.
type view struct {
	Status
	oldest time.Time
}

// Status reads the state as of the last event. It takes no lock and makes no
// call that could hang.
func (d *Driver) Status() Status {
	v := d.view.Load()
	s := v.Status
	if !v.oldest.IsZero() {
		s.LagSeconds = max(0, d.o.Clock().Sub(v.oldest).Seconds())
	}
	never := s.LastSuccessfulSync.IsZero() && !d.o.Resumed
	s.Stale = never || s.LagSeconds > d.o.StaleAfter.Seconds()
	return s
}

func (d *Driver) publish() {
	v := &view{oldest: d.oldest(), Status: Status{
		Type: d.cfg.Replica.Type, Location: d.cfg.Replica.Location(),
		LocalLTXBytes: d.local.bytes, WALBytes: d.wal,
		LastSuccessfulSync: d.lastSync, LastError: d.lastErr, Initialised: d.sess != nil,
	}}
	if old := d.view.Load(); old != nil {
		v.Epoch = old.Epoch
	}
	if d.sess != nil {
		v.Epoch = d.sess.epoch
	}
	if d.captured > d.uploaded {
		v.LagTXIDs = int64(d.captured - d.uploaded)
	}
	d.view.Store(v)
}
