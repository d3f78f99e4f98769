package observe

import (
	"errors"

	"seaworthy/store"
)

// errNoRoom says that the disk is so full that what is left belongs to the business.
var errNoRoom = errors.New("observe: the rest of the disk is kept for the business")

// refused decides what becomes of what could not be written. A lock passes: the lines
// wait, and the ring fills meanwhile. Otherwise the lines are dropped and counted; counts of
// errors are kept in any case, they take little.
func (s *System) refused(err error, batch map[string]*group) {
	s.errors.back(batch)
	s.files.failed(err)
	reason := ""
	switch {
	case errors.Is(err, store.ErrBusy):
		return
	case errors.Is(err, errNoRoom):
		reason = "disk_floor"
	case errors.Is(err, store.ErrFull):
		reason = "disk_full"
	case errors.Is(err, store.ErrCorrupt):
		reason = "file_corrupt"
	default:
		reason = "file_failed"
	}
	s.drops.count("log", reason, int64(len(s.held)))
	s.held = nil
	if before, _ := s.files.trouble.Swap(reason).(string); before != reason { // it is said once
		s.own.Warn("telemetry is not kept for the moment", "reason", reason, "err", err)
	}
}
