package email

import (
	"slices"
	"time"

	"seaworthy/app/email/post"
	"seaworthy/store"
)

// broadcastShare is the part of a rate that broadcast mail may use where both streams
// go by one provider: a campaign never stands before somebody's new password.
const broadcastShare = 0.25

// rateOf is how many messages of a stream may go by a provider in a second; 0: any.
func (s *System) rateOf(provider, stream string, slow int) float64 {
	rate := s.Rates[provider]
	if rate <= 0 {
		rate = 50 // counts only while the provider says that it is too much
		if slow == 0 {
			return 0
		}
	}
	rate /= float64(int(1) << slow)
	if !slices.Contains(s.Streams[post.Broadcast], provider) || !slices.Contains(s.Streams[post.Transactional], provider) {
		return rate
	}
	if stream == post.Broadcast {
		return rate * broadcastShare
	}
	return rate * (1 - broadcastShare)
}

// slot takes the message's place in a provider's rate, and returns how long it has to
// wait for it. Whoever waits keeps his place, so that the order is kept and nobody
// asks again and again. A second's worth may go at once after a rest.
func (s *System) slot(tx *store.Tx, m messageRow, h health) (time.Duration, error) {
	rate := s.rateOf(h.name, m.stream, h.slow)
	now := tx.Now()
	if rate <= 0 || m.slot > 0 && m.slot <= now.UnixMilli() {
		return 0, nil
	}
	if m.slot > 0 {
		return time.UnixMilli(m.slot).Sub(now), nil
	}
	next, err := nextSlot(tx, h.name, m.stream)
	if err != nil {
		return 0, err
	}
	each := int64(1e6 / rate)
	burst := max(int64(1e6), each) - each
	next = max(next, now.UnixMicro()) + each
	if err := putSlot(tx, h.name, m.stream, next); err != nil {
		return 0, err
	}
	at := time.UnixMicro(next - each - burst)
	if !at.After(now) {
		return 0, nil
	}
	return at.Sub(now), takeSlot(tx, m.id, at.UnixMilli())
}
