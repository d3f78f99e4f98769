package auth

import "seaworthy/app/web"

// Hold takes every place at work, so that whoever comes waits until release.
func (h *Hasher) Hold() (release func()) {
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	return func() {
		for range cap(h.slots) {
			<-h.slots
		}
	}
}

// Line is how many are at work or wait, and how many can.
func (h *Hasher) Line() (now, most int) { return len(h.queue), cap(h.queue) }

// ForgetThrottle is what a restart does to what is counted in memory.
func (s *System) ForgetThrottle() { s.throttle = newThrottle(s.Master, false) }

// ForgetLimits is what a restart does to the limits.
func (s *System) ForgetLimits() { s.Limiter = web.NewLimiter(s.DB.Now, false) }
