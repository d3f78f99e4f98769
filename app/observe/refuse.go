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
	if s.files.problem.is(reason) {
		s.own.Warn("telemetry is not kept for the moment", "reason", reason, "err", err)
	}
}

// problem is what is wrong with the files, so that it is said once.
type problem struct{ reason string }

// is notes a reason and reports whether it is new.
func (p *problem) is(reason string) bool {
	fresh := p.reason != reason
	p.reason = reason
	return fresh
}
