package auth

import (
	"context"
	"time"

	"seaworthy/app/web"
)

// perPair bounds guesses at one account from one address, perDevice those on a
// device where it was used before.
var (
	perPair   = web.Limit{Every: 2 * time.Minute, Burst: 20}
	perDevice = web.Limit{Every: time.Minute, Burst: 10}
)

// mayGuess is the 429 for whoever has to wait before the next password for an
// account. A known device has an allowance of its own, and nobody else's failures
// touch it.
func (s *System) mayGuess(ctx context.Context, account address, device token, known bool) error {
	from := web.OriginOf(ctx).Addr
	if known {
		if wait, ok := s.Limiter.Allow("sign-in device "+string(device), perDevice); !ok {
			return web.TooMany(wait)
		}
		return nil
	}
	if wait := s.throttle.admit(s.DB.Now(), account.norm, from); wait > 0 {
		return web.TooMany(wait)
	}
	if wait, ok := s.Limiter.Allow("sign-in "+account.norm+" "+web.AddrKey(from), perPair); !ok {
		return web.TooMany(wait)
	}
	if wait, ok := s.Limiter.Allow("sign-in "+account.norm, perAccount); !ok {
		return web.TooMany(wait)
	}
	return nil
}
